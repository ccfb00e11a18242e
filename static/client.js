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
 * @property {string} [base] path of the endpoints, which is the setting `base_path`; default `/auth`
 * @property {'cookie' | 'bearer'} [transport] default `cookie`
 * @property {'on' | 'off'} [fingerprint] default `on`; with `off`, no fingerprint is read, and sessions are not bound
 * @property {string} [csrfCookie] the setting `csrf_cookie_name`; by default, the first of its default names that is set
 * @property {string} [csrfHeader] the setting `csrf_header_name`; default `X-CSRF-Token`
 */

/**
 * @typedef {object} Credentials
 * @property {string} [username] required without `email`
 * @property {string} [email] required without `username`
 * @property {string} password
 * @property {string} [device_id] with `bearer`: the `deviceId` of an earlier sign-in, whose session this sign-in replaces
 * @property {string} [device_name] name of the device in lists; by default, the server derives it from the user agent
 * @property {string} [client_id]
 */

/**
 * @typedef {object} Session
 * @property {string} id
 * @property {string | null} deviceId the secret of the device, for the next sign-in with `bearer`
 * @property {number} expiresIn seconds until the access token expires
 */

/** Milliseconds that a sign-in waits for the fingerprint. After that it is sent without a fingerprint. */
const FINGERPRINT_CEILING = 1_500;
/**
 * Milliseconds that a request waits for the server. A refresh waits as long for the fingerprint, because the refresh of a
 * bound session is refused without it.
 */
const ANSWER_CEILING = 30_000;

/** Milliseconds that a password change in another tab may take from its commit to the cookies of its response. */
const CHANGE_PAUSE = 300;

/** Codes of a 401 that a refresh may resolve: the access token has expired, or its claims are out of date. */
const STALE = ['token_expired', 'token_revoked'];

/** An error response of the server, or a failure to reach the server. */
export class AuthError extends Error {
  name = 'AuthError';

  /**
   * @param {string} code the server's `error`, such as `invalid_credentials`; `unreachable` without a response
   * @param {string} message the `detail` of the response
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
   * Returns the error for a response that is not a success.
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
 * Waits for a promise, at most for a time.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} milliseconds
 * @returns {Promise<T | undefined>} the value; undefined if the promise takes longer or fails
 */
function within(milliseconds, promise) {
  const late = new Promise((resolve) => setTimeout(resolve, milliseconds));
  return Promise.race([promise.catch(() => undefined), late]);
}

/**
 * @param {string} name
 * @returns {string | undefined} the value of a cookie that scripts can read
 */
function cookie(name) {
  const pair = document.cookie.split('; ').find((one) => one.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}

/** @param {Options} [options] */
export function createClient(options = {}) {
  const { url = '', base = '/auth', transport = 'cookie', fingerprint = 'on' } = options;
  const { csrfCookie, csrfHeader = 'X-CSRF-Token' } = options;
  const csrfCookies = csrfCookie ? [csrfCookie] : ['__Host-csrf_token', '__Secure-csrf_token', 'csrf_token'];
  const home = new URL(url || '/', location.href);
  const endpoint = (name) => `${base === '/' ? '' : base}/${name}`;
  const inCookies = transport === 'cookie';

  /** The tokens with `bearer`. @type {{ access?: string, refresh?: string }} */
  let tokens = {};
  /** The CSRF token for pages of another host, which can't read its cookie. @type {string | undefined} */
  let csrfToken;
  /** @type {Promise<object> | undefined} */
  let print;
  /** @type {Promise<void> | undefined} */
  let refreshing;
  /** The number of times that tokens were received. A call with older tokens is sent again without another refresh. */
  let generation = 0;

  const csrf = () => csrfCookies.map(cookie).find(Boolean) ?? csrfToken;

  /** Reads the fingerprint, once. Call it when the user begins to type, so that the fingerprint is ready for the sign-in. */
  function prepare() {
    if (fingerprint === 'off') return Promise.resolve(undefined);
    print ??= import('./fingerprint.js').then((module) => module.collect());
    print.catch(() => (print = undefined));
    return print;
  }

  /** Sends a request to the server, with its tokens. Tokens are never sent to another origin. */
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

  /** @returns {Promise<any>} the body of the response */
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
  async function login(credentials) {
    const print = await within(FINGERPRINT_CEILING, prepare());
    const answer = await post(endpoint('login'), { ...credentials, transport, fingerprint: print });
    keep(answer);
    return { id: answer.session_id, deviceId: answer.device_id, expiresIn: answer.expires_in };
  }

  /**
   * Creates an account, if registration is open. It does not sign in.
   * @param {{ username?: string, email?: string, password: string }} account
   * @returns {Promise<object>} the user, as `/users/me` returns it
   * @throws {AuthError}
   */
  function register(account) {
    return post(endpoint('register'), account);
  }

  async function rotate() {
    const print = await within(ANSWER_CEILING, prepare());
    const sent = csrf();
    try {
      keep(await post(endpoint('refresh'), { refresh_token: tokens.refresh, fingerprint: print }));
    } catch (error) {
      if (!inCookies || error.status === 0) throw error;
      // If the CSRF token has changed, another tab has signed in meanwhile: the cookies belong to a new session, so the refusal
      // does not concern it. If the reason is a password change, another tab changed the password: this request had the older
      // cookies, and the response to that tab sets the new cookies. In both cases one more refresh uses the new cookies.
      const isOlderThanPassword = error.reason === 'password_changed';
      if (csrf() === sent && !isOlderThanPassword) throw error;
      if (isOlderThanPassword) await new Promise((resolve) => setTimeout(resolve, CHANGE_PAUSE));
      keep(await post(endpoint('refresh'), { fingerprint: print }));
    }
  }

  /** Refreshes in one tab only. Other tabs wait until that tab has finished, and then use its cookies. */
  async function rotateInOneTab() {
    const name = `vestibule ${home.origin}${base}`;
    const first = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock) await rotate();
      return lock !== null;
    });
    if (!first) await navigator.locks.request(name, () => {});
  }

  /**
   * Exchanges the refresh token for new tokens. Concurrent calls share one request. Without Web Locks (plain http) two tabs
   * may refresh at the same time: then the server returns the same refresh token to both.
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
   * @throws {AuthError} if the request failed: then the session is still live on the server
   */
  async function logout() {
    // A pending refresh would store new tokens after the logout, so it is awaited first.
    await refreshing?.catch(() => {});
    await post(endpoint('logout'), { refresh_token: tokens.refresh }).catch((error) => {
      if (error.status !== 401) throw error;
    });
    keep({});
  }

  /**
   * Like `fetch`, with the tokens, for paths of the server. If the access token has expired, the function refreshes the tokens
   * and sends the request once more. If the session has ended too, the result is the first 401.
   * @param {string | URL} path
   * @param {RequestInit} [init] a request whose body is a stream is never sent again
   * @returns {Promise<Response>}
   */
  async function fetchWithRefresh(path, init = {}) {
    await refreshing?.catch(() => {});
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
