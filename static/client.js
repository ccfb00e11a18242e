/**
 * A client of Vestibule that signs in, stays signed in, and signs out. It is for Vestibule's own pages and for any other
 * front end.
 *
 *     import { createClient, AuthError } from 'https://auth.example.com/static/client.js';
 *
 *     const auth = createClient({ url: 'https://auth.example.com', transport: 'bearer' });
 *     try {
 *       await auth.login({ email: 'ada@example.com', password });
 *     } catch (error) {
 *       if (error instanceof AuthError && error.code === 'too_many_requests') waitFor(error.retryAfter);
 *     }
 *     const answer = await auth.fetch('/users/me'); // refreshes an expired access token automatically
 *     await auth.logout();
 *
 * There are two transports:
 * - `cookie`: the tokens are in HttpOnly cookies, which no script can read. They survive a reload, and all tabs share them.
 *   The page must be on the same site as the server.
 * - `bearer`: the tokens are in the memory of this module, never in web storage. They are lost when the page is closed or
 *   reloaded. This is for front ends on another site, whose origin `cors_allowed_origins` must list.
 *
 * @module
 */

/**
 * @typedef {object} Options
 * @property {string} [url] origin of the server, such as `https://auth.example.com`; if empty, the origin of the page
 * @property {string} [base] path of the endpoints: the setting `base_path`; default `/auth`
 * @property {'cookie' | 'bearer'} [transport] default `cookie`
 * @property {'on' | 'off'} [fingerprint] default `on`; with `off`, no fingerprint is read, and sessions are not bound
 * @property {string} [csrfCookie] the setting `csrf_cookie_name`; by default, the first of its default names that is a cookie
 * @property {string} [csrfHeader] the setting `csrf_header_name`; default `X-CSRF-Token`
 */

/**
 * @typedef {object} Credentials
 * @property {string} [username] required without `email`
 * @property {string} [email] required without `username`
 * @property {string} password
 * @property {string} [device_id] with `bearer`: the `deviceId` of an earlier sign-in, whose session this sign-in replaces
 * @property {string} [device_name] name of the device in lists; by default, the server derives it from the user agent
 * @property {string} [client_id] id of the client; default `default`
 * @property {boolean} [bind] default true; with false, no fingerprint is read for this sign-in
 */

/**
 * @typedef {object} Session
 * @property {string} id
 * @property {string | null} deviceId the secret of the device, for the next sign-in with `bearer`
 * @property {number} expiresIn seconds until the access token expires
 */

/** Maximum milliseconds that a sign-in waits for the fingerprint. After this time, it is sent without a fingerprint. */
const FINGERPRINT_CEILING = 1_500;
/**
 * Maximum milliseconds that a request waits for the server. A refresh also waits for the fingerprint for at most this time: it
 * waits longer than a sign-in, because the refresh of a bound session is refused without a fingerprint.
 */
const ANSWER_CEILING = 30_000;

/** Milliseconds to wait after a password change in another tab, until the browser has stored the cookies of its response. */
const CHANGE_PAUSE = 300;

/** Error codes of a 401 after which a refresh may succeed: the access token has expired or was revoked. */
const STALE = ['token_expired', 'token_revoked'];

/** An error response of the server, or a failure to reach the server. */
export class AuthError extends Error {
  name = 'AuthError';

  /**
   * @param {string} code the `error` of the response, such as `invalid_credentials`; `unreachable` without a response
   * @param {string} message the `detail` of the response, in English
   * @param {number} status HTTP status, 0 without a response
   * @param {number | undefined} retryAfter seconds after which the request may be sent again
   * @param {{ field: string, message: string }[]} fields the invalid fields
   * @param {ErrorOptions} [options]
   * @param {string} [reason] why the server refused a token, such as `password_changed`, if the response has a reason
   */
  constructor(code, message, status = 0, retryAfter = undefined, fields = [], options = undefined, reason = undefined) {
    super(message, options);
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
    this.fields = fields;
    this.reason = reason;
  }

  /**
   * Returns the error for a response whose status is not a success. The code is `unexpected` if the body has no `error`.
   * @param {Response} response
   */
  static async of(response) {
    const problem = await response.json().catch(() => ({}));
    const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
    const retryAfter = Number.isNaN(seconds) ? undefined : seconds;
    const message = problem.detail ?? response.statusText;
    const { error: code = 'unexpected', errors, reason } = problem;
    return new AuthError(code, message, response.status, retryAfter, errors, undefined, reason);
  }
}

/**
 * Waits for a promise, but not longer than a time limit.
 * @template T
 * @param {number} milliseconds the time limit
 * @param {Promise<T>} promise
 * @returns {Promise<T | undefined>} the value; undefined if the promise takes longer or fails
 */
function within(milliseconds, promise) {
  const late = new Promise((resolve) => setTimeout(resolve, milliseconds));
  return Promise.race([promise.catch(() => undefined), late]);
}

/**
 * Returns the value of a cookie.
 * @param {string} name
 * @returns {string | undefined} undefined if there is no such cookie, or if scripts can't read it
 */
function cookie(name) {
  const pair = document.cookie.split('; ').find((one) => one.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}

/**
 * Creates a client. It sends no request before one of its functions is called.
 * @param {Options} [options]
 */
export function createClient(options = {}) {
  const { url = '', base = '/auth', transport = 'cookie', fingerprint = 'on' } = options;
  const { csrfCookie, csrfHeader = 'X-CSRF-Token' } = options;
  const csrfCookies = csrfCookie ? [csrfCookie] : ['__Host-csrf_token', '__Secure-csrf_token', 'csrf_token'];
  const home = new URL(url || '/', location.href);
  const endpoint = (name) => `${base === '/' ? '' : base}/${name}`;
  const inCookies = transport === 'cookie';

  /** The tokens, with the transport `bearer`. @type {{ access?: string, refresh?: string }} */
  let tokens = {};
  /**
   * The CSRF token of the latest response, for pages of another host, which can't read the CSRF cookie.
   * @type {string | undefined}
   */
  let csrfToken;
  /** The fingerprint, once its reading has begun. @type {Promise<object> | undefined} */
  let print;
  /** The pending refresh. @type {Promise<void> | undefined} */
  let refreshing;
  /** The number of times that tokens were received. A request with older tokens is sent again without another refresh. */
  let generation = 0;

  const csrf = () => csrfCookies.map(cookie).find(Boolean) ?? csrfToken;

  /**
   * Asks the server for the CSRF token if no cookie of this page has it: after a reload of a page of another host, and where the
   * browser hides all cookies from scripts because one of them is not UTF-8.
   */
  async function learnCsrf() {
    if (!inCookies || csrf()) return;
    const session = await fetch(new URL(endpoint('session'), home), { credentials: 'include' }).catch(() => undefined);
    csrfToken = (await session?.json().catch(() => undefined))?.csrf_token ?? undefined;
  }

  /** Reads the fingerprint at the first call. Call it when the user begins to type, so that it is ready for the sign-in. */
  function prepare() {
    if (fingerprint === 'off') return Promise.resolve(undefined);
    print ??= import('./fingerprint.js').then((module) => module.collect());
    // After a failure, the next call tries again.
    print.catch(() => (print = undefined));
    return print;
  }

  /** Sends a request with the tokens. Throws a `TypeError` for another origin, so that it never receives the tokens. */
  async function send(path, init = {}) {
    const target = new URL(path, home);
    if (target.origin !== home.origin) throw new TypeError(`${target.origin} is not ${home.origin}`);
    const headers = new Headers(init.headers);
    if (inCookies) {
      const token = csrf();
      if (token) headers.set(csrfHeader, token);
    } else if (tokens.access) {
      headers.set('Authorization', `Bearer ${tokens.access}`);
    }
    const credentials = inCookies ? 'include' : 'omit';
    try {
      return await fetch(target, { ...init, headers, credentials });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new AuthError('unreachable', String(error), 0, undefined, [], { cause: error });
    }
  }

  /**
   * Sends a POST request with a JSON body.
   * @returns {Promise<any>} the body of the response
   * @throws {AuthError}
   */
  async function post(path, body) {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_CEILING);
    const headers = { 'Content-Type': 'application/json' };
    try {
      const response = await send(path, { method: 'POST', headers, body: JSON.stringify(body), signal: late.signal });
      if (!response.ok) throw await AuthError.of(response);
      return await response.json();
    } catch (error) {
      throw error instanceof AuthError ? error : new AuthError('unreachable', String(error));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Stores the tokens of a response, or removes the tokens if `answer` is empty. */
  function keep(answer) {
    generation += 1;
    csrfToken = answer.csrf_token;
    tokens = { access: answer.access_token, refresh: answer.refresh_token };
  }

  /**
   * Signs in.
   * @param {Credentials} credentials
   * @returns {Promise<Session>}
   * @throws {AuthError}
   */
  async function login({ bind = true, ...credentials }) {
    const print = bind ? await within(FINGERPRINT_CEILING, prepare()) : undefined;
    const answer = await post(endpoint('login'), { ...credentials, transport, fingerprint: print });
    keep(answer);
    return { id: answer.session_id, deviceId: answer.device_id, expiresIn: answer.expires_in };
  }

  /**
   * Creates an account, if registration is open. It does not sign the user in.
   * @param {{ username?: string, email?: string, password: string }} account
   * @returns {Promise<object>} the user, as `/users/me` returns it
   * @throws {AuthError}
   */
  function register(account) {
    return post(endpoint('register'), account);
  }

  /** Sends a refresh request and stores the new tokens. */
  async function rotate() {
    const [print] = await Promise.all([within(ANSWER_CEILING, prepare()), learnCsrf()]);
    const sent = csrf();
    try {
      keep(await post(endpoint('refresh'), { refresh_token: tokens.refresh, fingerprint: print }));
    } catch (error) {
      if (!inCookies || error.status === 0) throw error;
      // In two cases another tab has new cookies, and one more refresh uses them. First: the CSRF token has changed, because
      // another tab has signed in. The refusal concerned the old session. Second: the reason is a password change. Another tab
      // has changed the password, and this request was sent before the browser had the cookies of that response.
      const isOlderThanPassword = error.reason === 'password_changed';
      if (csrf() === sent && !isOlderThanPassword) throw error;
      if (isOlderThanPassword) await new Promise((resolve) => setTimeout(resolve, CHANGE_PAUSE));
      keep(await post(endpoint('refresh'), { fingerprint: print }));
    }
  }

  /** Refreshes in one tab only. If another tab is refreshing, waits until it has finished; all tabs share the new cookies. */
  async function rotateInOneTab() {
    const name = `vestibule ${home.origin}${base}`;
    const first = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock) await rotate();
      return lock !== null;
    });
    if (!first) await navigator.locks.request(name, () => {});
  }

  /**
   * Exchanges the refresh token for new tokens. Concurrent calls share one request. Without Web Locks (plain http), two tabs
   * may refresh at the same time. The server then returns the same refresh token to both.
   * @returns {Promise<void>}
   * @throws {AuthError} with a `status` of 401 if the session has ended
   */
  function refresh() {
    refreshing ??= (inCookies && navigator.locks ? rotateInOneTab() : rotate()).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  /**
   * Ends the session on the server, and removes its tokens here.
   * @throws {AuthError} if the request failed; the session may then still be live on the server
   */
  async function logout() {
    // A pending refresh would store new tokens after the logout, so it is awaited first.
    await refreshing?.catch(() => {});
    await learnCsrf();
    await post(endpoint('logout'), { refresh_token: tokens.refresh }).catch((error) => {
      if (error.status !== 401) throw error;
    });
    keep({});
  }

  /**
   * Calls `fetch` for a path of the server, with the tokens. If the access token has expired or was revoked, refreshes the
   * tokens and sends the request once more. If the refresh is refused with 401, returns the first response.
   * @param {string | URL} path
   * @param {RequestInit} [init] a request whose body is a stream is sent only once, because a stream can be read only once
   * @returns {Promise<Response>}
   * @throws {AuthError} if the server can't be reached, or if the refresh fails with another status
   */
  async function fetchWithRefresh(path, init = {}) {
    await refreshing?.catch(() => {});
    if (!['GET', 'HEAD'].includes((init.method ?? 'GET').toUpperCase())) await learnCsrf();
    const sent = generation;
    const response = await send(path, init);
    if (response.status !== 401 || init.body instanceof ReadableStream) return response;
    const { error } = await response.clone().json().catch(() => ({}));
    if (!STALE.includes(error) || !(inCookies || tokens.refresh)) return response;
    try {
      if (sent === generation) await refresh();
    } catch (refusal) {
      if (refusal.status === 401) return response;
      throw refusal;
    }
    return send(path, init);
  }

  return { login, register, refresh, logout, prepare, fetch: fetchWithRefresh };
}
