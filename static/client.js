/**
 * Signs in to Vestibule, stays signed in, and signs out: for Vestibule's own pages and for any other front end.
 *
 *     import { createClient, AuthError } from 'https://auth.example.com/static/client.js';
 *
 *     const auth = createClient({ url: 'https://auth.example.com', transport: 'bearer' });
 *     try {
 *       await auth.login({ email: 'ada@example.com', password });
 *     } catch (error) {
 *       if (error instanceof AuthError && error.code === 'too_many_requests') waitFor(error.retryAfter);
 *     }
 *     const answer = await auth.fetch('/users/me'); // refreshes by itself when the access token is over
 *     await auth.logout();
 *
 * Two transports. `cookie`: the tokens are in HttpOnly cookies, which no script can read, survive a reload and are shared
 * by all tabs; the page must be of the server's own site. `bearer`: the tokens are kept in this module's memory, never in
 * web storage, and are gone with the page; for front ends on another site, whose origin `cors_allowed_origins` lists.
 *
 * @module
 */

/**
 * @typedef {object} Options
 * @property {string} [url] origin of the server, such as `https://auth.example.com`; empty: the page's own
 * @property {string} [base] where its endpoints are: the setting `base_path`; `/auth` unless given
 * @property {'cookie' | 'bearer'} [transport] `cookie` unless given
 * @property {'on' | 'off'} [fingerprint] `off`: nothing is read from the browser, and sessions aren't bound to it
 * @property {string} [csrfCookie] the setting `csrf_cookie_name`; unless given, whichever of its defaults is there
 * @property {string} [csrfHeader] the setting `csrf_header_name`
 */

/**
 * @typedef {object} Credentials
 * @property {string} [username] or `email`, one of the two
 * @property {string} [email]
 * @property {string} password
 * @property {string} [device_id] with `bearer`: what an earlier sign-in answered, so that this one takes its place
 * @property {string} [device_name] how the device is listed; unless given, what the server makes of the user agent
 * @property {string} [client_id]
 */

/**
 * @typedef {object} Session
 * @property {string} id
 * @property {string | null} deviceId the device's secret, for the next sign-in with `bearer`
 * @property {number} expiresIn seconds until the access token is over
 */

/** A sign-in waits no longer for the fingerprint, and then goes without. */
const FINGERPRINT_CEILING = 1_500;
/** A refresh of a bound session is refused without it, so it waits as for the server. */
const ANSWER_CEILING = 30_000;

/** How long another tab's change of the password may take from its commit to the cookies of its answer, in milliseconds. */
const CHANGE_PAUSE = 300;

/** Codes of a 401 that a refresh may mend: the token is over, or what it said of the account isn't true any more. */
const STALE = ['token_expired', 'token_revoked'];

/** What the server refused, or that it couldn't be reached. */
export class AuthError extends Error {
  name = 'AuthError';

  /**
   * @param {string} code the server's `error`, such as `invalid_credentials`; `unreachable` without an answer
   * @param {string} message its `detail`
   * @param {number} status of HTTP, 0 without an answer
   * @param {number | undefined} retryAfter seconds after which it makes sense to try again
   * @param {{ field: string, message: string }[]} fields the fields that were refused
   * @param {ErrorOptions} [options]
   * @param {string} [reason] why a token of this server is refused, such as `password_changed`, where the server says so
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
   * Of an answer that isn't a success.
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
 * @template T
 * @param {Promise<T>} promise
 * @param {number} milliseconds
 * @returns {Promise<T | undefined>} undefined if it takes longer or fails
 */
function within(milliseconds, promise) {
  const late = new Promise((resolve) => setTimeout(resolve, milliseconds));
  return Promise.race([promise.catch(() => undefined), late]);
}

/**
 * @param {string} name
 * @returns {string | undefined} the value of a cookie that script may read
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

  /** Of `bearer`. @type {{ access?: string, refresh?: string }} */
  let tokens = {};
  /** For pages of another host, which can't read the cookie. @type {string | undefined} */
  let csrfToken;
  /** @type {Promise<object> | undefined} */
  let print;
  /** @type {Promise<void> | undefined} */
  let refreshing;
  /** How often tokens came: a call that was sent before the last ones is simply sent again. */
  let generation = 0;

  const csrf = () => csrfCookies.map(cookie).find(Boolean) ?? csrfToken;

  /** Reads the fingerprint, once. Worth calling when somebody begins to type, so that it is there at the sign-in. */
  function prepare() {
    if (fingerprint === 'off') return Promise.resolve(undefined);
    print ??= import('./fingerprint.js').then((module) => module.collect());
    print.catch(() => (print = undefined));
    return print;
  }

  /** A request to the server with what authenticates it. Tokens never go to another origin. */
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

  /** @returns {Promise<any>} the answer's body */
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
   * Makes an account, where the server lets anybody. It doesn't sign in.
   * @param {{ username?: string, email?: string, password: string }} account
   * @returns {Promise<object>} the user, as `/users/me` shows them
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
      // Another tab signed in meanwhile: the cookies are a new session's, so this was no answer about that one. Or another tab
      // changed the password: the cookies that were sent are from before, and the new ones come with that tab's answer.
      const isOlderThanPassword = error.reason === 'password_changed';
      if (csrf() === sent && !isOlderThanPassword) throw error;
      if (isOlderThanPassword) await new Promise((resolve) => setTimeout(resolve, CHANGE_PAUSE));
      keep(await post(endpoint('refresh'), { fingerprint: print }));
    }
  }

  /** One tab refreshes; those that come meanwhile wait, and find its cookies. */
  async function rotateInOneTab() {
    const name = `vestibule ${home.origin}${base}`;
    const first = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock) await rotate();
      return lock !== null;
    });
    if (!first) await navigator.locks.request(name, () => {});
  }

  /**
   * Trades the refresh token for the next pair; calls at the same time are one. Without Web Locks (plain http) two tabs
   * may do so at once: then the server gives both the same token.
   * @returns {Promise<void>}
   * @throws {AuthError} a `status` of 401 says that the session is over
   */
  function refresh() {
    refreshing ??= (inCookies && navigator.locks ? rotateInOneTab() : rotate()).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  /**
   * Ends the session, here and on the server.
   * @throws {AuthError} if the server couldn't be told: then it still lives there
   */
  async function logout() {
    // A refresh that is under way would bring new tokens afterwards.
    await refreshing?.catch(() => {});
    await post(endpoint('logout'), { refresh_token: tokens.refresh }).catch((error) => {
      if (error.status !== 401) throw error;
    });
    keep({});
  }

  /**
   * As `fetch`, with what authenticates: for paths of the server. When the access token is over it refreshes and asks
   * once more; if the session is over too, the answer is the first 401.
   * @param {string | URL} path
   * @param {RequestInit} [init] a body that is a stream is sent once only
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
