/**
 * The front-end kit of Vestibule: it signs in, stays signed in, and tells all tabs when a session ends. It is for Vestibule's
 * own pages and for any other front end, in browsers, workers and Node.js. It needs no other module, except `fingerprint.js`
 * beside it, which it imports for a sign-in or a refresh.
 *
 *     import { createClient } from 'https://auth.example.com/static/client.js';
 *
 *     const auth = createClient({ url: 'https://auth.example.com', transport: 'bearer', allow: ['https://api.example.com'] });
 *     auth.subscribe(() => render(auth.state)); // { status: 'loading' | 'signed-in' | 'signed-out', user, reason }
 *     await auth.login({ email: 'ada@example.com', password });
 *     const answer = await auth.fetch('https://api.example.com/notes'); // with the access token, refreshed when it is due
 *     await auth.logout();
 *
 * There are two transports:
 * - `cookie`: the tokens are in HttpOnly cookies, which no script can read. They survive a reload. The page must be on the same
 *   site as the server. Other origins get the token only if they are below `cookie_domain`.
 * - `bearer`: this module stores the tokens where the option `persist` says. Use it for a front end on another site, or one
 * that calls its own API. `cors_allowed_origins` must list the origin of the page.
 *
 * @module
 */

/**
 * @typedef {object} Options
 * @property {string} [url] origin of the server, such as `https://auth.example.com`; without it, the origin of the page
 * @property {string} [base] path of the endpoints: the setting `base_path`; default `/auth`
 * @property {string} [clientId] id of the client at the server; default `default`
 * @property {'cookie' | 'bearer'} [transport] default `cookie`
 * @property {'memory' | 'tab' | 'device'} [persist] where `bearer` keeps the tokens. `memory` (default): until the last tab of
 *   the page is closed, or the only tab is reloaded. `tab`: in `sessionStorage`, which survives a reload. `device`: in
 *   `localStorage`, which survives a restart of the browser. A script that an attacker brings into the page can copy the tokens
 *   in each case; with `tab` also those that an earlier page stored in this tab, and with `device` also at a later visit.
 * @property {string[] | Record<string, { audience: string }>} [allow] other origins to which `fetch` sends the token. With an
 *   audience, `fetch` sends a token for this audience, which needs the transport `bearer`
 * @property {'auto' | 'off'} [fingerprint] default `auto`: sessions are bound to the browser, if the server wants that; with
 *   `off`, no fingerprint is read, and sessions are not bound
 * @property {string} [csrfCookie] the setting `csrf_cookie_name`; by default, the first of `__Host-csrf_token`,
 *   `__Secure-csrf_token` and `csrf_token` that exists
 * @property {string} [csrfHeader] the setting `csrf_header_name`; default `X-CSRF-Token`
 */

/**
 * Why a session ended, as the server says it: by a `logout`; a login on the same device `replaced` it; it was `evicted` by
 * a login on too many devices; the password was changed; the account is `disabled`; a replaced refresh token was `reused`;
 * the fingerprint is that of another `device`; it has `expired`; or it was `revoked` in another way.
 * @typedef {'logged_out' | 'replaced' | 'evicted' | 'password_changed' | 'disabled' | 'reused' | 'device' | 'expired'
 *   | 'revoked'} Reason
 */

/**
 * The codes of errors. All but the last three are from the server: `unreachable` is for a request without an answer,
 * `cookies_refused` for a browser that did not keep the cookies of a login, and `unexpected` for a response that is not from
 * Vestibule, such as the error page of a proxy.
 * @typedef {'malformed_json' | 'malformed_request' | 'invalid_request' | 'invalid_grant' | 'unauthorized_client'
 *   | 'unsupported_grant_type' | 'invalid_scope' | 'invalid_target' | 'invalid_credentials' | 'missing_token'
 *   | 'invalid_token' | 'token_expired' | 'token_revoked' | 'wrong_token_type' | 'fresh_token_required' | 'device_mismatch'
 *   | 'refresh_reused' | 'invalid_client' | 'insufficient_scope' | 'account_disabled' | 'registration_closed'
 *   | 'csrf_failed' | 'device_limit_reached' | 'not_found' | 'method_not_allowed' | 'already_exists' | 'last_admin'
 *   | 'configured_in_file' | 'payload_too_large' | 'uri_too_long' | 'unsupported_media_type' | 'too_many_requests'
 *   | 'headers_too_large' | 'internal_error' | 'overloaded' | 'storage_unavailable' | 'unreachable' | 'cookies_refused'
 *   | 'unexpected'} ErrorCode
 */

/**
 * @typedef {object} User
 * @property {string} id
 * @property {string | null} username
 * @property {string | null} email
 * @property {boolean} email_verified
 * @property {boolean} disabled
 * @property {string[]} roles
 * @property {string[]} permissions
 * @property {Record<string, unknown>} claims
 * @property {string} created_at RFC 3339, in UTC
 */

/**
 * A session in the list of the user's sessions.
 * @typedef {object} Session
 * @property {string} id
 * @property {string} device_name
 * @property {string} created_at RFC 3339, in UTC
 * @property {string} last_used_at RFC 3339, in UTC: the last login or refresh
 * @property {string} expires_at RFC 3339, in UTC
 * @property {string | null} ip
 * @property {string | null} user_agent
 * @property {string} client_id
 * @property {boolean} device_bound whether the session is bound to its browser
 * @property {boolean} current whether it is the session of this client
 * @property {string} jti id of the session for `/auth/logout/device`
 * @property {string | null} [repeated_at] RFC 3339, in UTC: when a replaced refresh token came from elsewhere
 * @property {string | null} [repeated_ip] the address from which it came
 */

/**
 * @typedef {object} Credentials
 * @property {string} [username] required without `email`
 * @property {string} [email] required without `username`
 * @property {string} password
 * @property {string} [device_name] name of the device in lists; by default, the server derives it from the user agent
 * @property {boolean} [bind] default true; with false, no fingerprint is read for this sign-in
 */

/**
 * What a page shows. The object is replaced when something changes, and never modified. `loading` lasts until the server has
 * answered for the first time; until then the client asks again every three seconds, and `error` says why it has to. `reason`
 * says why the session ended, if that is known.
 * @typedef {{ status: 'loading', user: null, error?: AuthError, reason?: undefined }
 *   | { status: 'signed-in', user: User, error?: undefined, reason?: undefined }
 *   | { status: 'signed-out', user: null, error?: undefined, reason?: Reason }} State
 */

/** @typedef {'signed-in' | 'signed-out' | 'refreshed' | 'expired'} AuthEvent */

/**
 * @typedef {object} Auth
 * @property {Promise<State>} ready resolves when it is known whether somebody is signed in
 * @property {State} state
 * @property {(listener: (state: State) => void) => () => void} subscribe calls the listener when `state` changes; returns a
 *   function that removes the listener
 * @property {(credentials: Credentials) => Promise<User>} login signs in; returns the user. If this browser has a
 *   session, the login replaces it. Rejects with an `AuthError`
 * @property {(account: { username?: string, email?: string, password: string }) => Promise<User>} register creates an account;
 *   returns the user, who is not signed in by it. Rejects with `registration_closed` or `already_exists`
 * @property {(options?: { everywhere?: boolean }) => Promise<void>} logout ends the session, or with `everywhere` all
 *   sessions of the user. If it rejects, the session may be live on the server, and `state` still shows the user
 * @property {() => Promise<User | null>} user asks the server who is signed in. Rejects with `unreachable`
 * @property {(options?: { audience?: string }) => Promise<string | null>} accessToken returns a valid access token; null
 *   if nobody is signed in, or if the token is in a cookie. Rejects with `unreachable` if a token is due for a refresh
 * @property {typeof globalThis.fetch} fetch like `fetch` of the browser, with two differences: a relative URL is a path
 *   of the server, and the request carries the access token. The token is refreshed before it expires and after a refusal,
 *   and then the request is sent again. Rejects with a `TypeError` for an origin that is neither the server nor in `allow`
 * @property {() => Promise<void>} refresh requests new tokens. Callers and tabs share one request. Rejects with a
 *   `status` of 401 if the session has ended
 * @property {(password: string) => Promise<void>} confirm proves the password, which makes the access token fresh, as
 *   some calls require. A token is fresh after a sign-in, until its first refresh
 * @property {(old: string, next: string) => Promise<void>} changePassword changes the password; all other sessions end
 * @property {(changes: { username?: string, email?: string }) => Promise<User>} update changes the account; returns the
 *   user. Needs a fresh token, otherwise rejects with `fresh_token_required`
 * @property {() => Promise<Session[]>} sessions lists the live sessions of the user, the latest use first
 * @property {(id: string) => Promise<void>} endSession ends a session of the user
 * @property {(next?: string) => string} loginUrl returns the address of the server's own sign-in page, which returns to
 *   `next`, by default this page; `allowed_redirect_hosts` must list the host of `next`
 * @property {(event: AuthEvent, listener: (state: State) => void) => () => void} on calls the listener once in each open
 *   tab after an event; returns a function that removes the listener. `signed-out` comes at each end of the session. If
 *   `logout` was not the cause, `expired` comes before it
 * @property {() => Promise<object | undefined>} prepare begins to read the fingerprint, so that a login need not wait for
 *   it; returns it, or undefined with `fingerprint: 'off'`
 */

/**
 * The session as this tab knows it. All tabs exchange this record, and keep the one with the latest `at`.
 * @typedef {object} Held
 * @property {number} at when the record was made, in milliseconds since 1970; 0 if nothing is known
 * @property {boolean} [live] whether somebody is signed in
 * @property {string} [id] what distinguishes the session from others: with `bearer` its id, else its CSRF token
 * @property {string} [access] with `bearer`
 * @property {string} [refresh] with `bearer`
 * @property {string} [device] with `bearer`: the secret of the device
 * @property {number} due when to refresh, in milliseconds since 1970; 0 if there is no token
 * @property {string} [csrf] the CSRF token, for pages of another host, which can't read the CSRF cookie
 * @property {User} [user]
 * @property {Reason} [reason]
 * @property {AuthEvent} [event] what led to the record
 */

/** Maximum milliseconds that a sign-in waits for the fingerprint. After this time, it is sent without a fingerprint. */
const PRINT_CEILING = 1_500;

/** Maximum milliseconds that a request of the kit waits for the server. */
const ANSWER_CEILING = 30_000;

/**
 * Time limit in milliseconds, first for reading the fingerprint, then for each request of a refresh. Two requests and the pause
 * between them take 21 seconds, less than the default 30 seconds of `refresh_reuse_grace`.
 */
const REFRESH_CEILING = 10_000;

/** Milliseconds from a refresh without an answer to its repetition. */
const LOST_PAUSE = 1_000;

/** Milliseconds to wait after a password change in another tab, until the browser has stored the cookies of its response. */
const CHANGE_PAUSE = 300;

/** Maximum milliseconds that a tab waits for the records of other tabs. */
const TABS_CEILING = 1_000;

/** Maximum milliseconds between two checks whether a refresh is due. Timers stop while the machine sleeps. */
const TICK = 30_000;

/** Milliseconds after a failed automatic request until it is sent again. */
const RETRY = 3_000;

/** If another origin answers 401, the token is refreshed only if it is at least this old, in milliseconds. */
const SETTLED = 10_000;

/** Error codes of a 401 after which a refresh may succeed: token_expired, token_revoked, invalid_token, missing_token. */
const STALE = /^token_|_token$/;

/** An error response of the server, or a failure to reach the server. */
export class AuthError extends Error {
  name = 'AuthError';
  /** HTTP status, 0 without a response. */
  status = 0;
  /** Seconds after which the request may be sent again. @type {number | undefined} */
  retryAfter;
  /** The invalid fields. @type {{ field: string, message: string }[]} */
  fields = [];
  /** Why the server refused a token, if the response has a reason. @type {Reason | undefined} */
  reason;
  /** The response of the server, if there was one. @type {Response | undefined} */
  response;

  /**
   * @param {ErrorCode} code the `error` of the response
   * @param {string} message the `detail` of the response and what is wrong with each field, in English
   * @param {Partial<AuthError>} [details]
   */
  constructor(code, message, details) {
    super(message);
    this.code = code;
    Object.assign(this, details);
  }

  /**
   * Returns the error for a response whose status is not a success. The code is `unexpected` if the body has no `error`.
   * @param {Response} response
   */
  static async of(response) {
    const { status, headers, statusText } = response;
    const problem = await response.clone().json().catch(() => ({}));
    const { error = 'unexpected', errors: fields = [], reason, detail = statusText } = problem;
    const retryAfter = Number(headers.get('Retry-After')) || undefined;
    const message = fields.map((one) => `${one.field} ${one.message}.`).join(' ') || detail;
    return new AuthError(error, message, { status, retryAfter, fields, reason, response });
  }
}

/** @param {number} milliseconds @returns {Promise<undefined>} */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Waits for a promise, but not longer than a time limit.
 * @template T
 * @param {number} milliseconds the time limit
 * @param {Promise<T>} promise
 * @returns {Promise<T | undefined>} the value; undefined if the promise takes longer or fails
 */
const within = (milliseconds, promise) => Promise.race([promise.catch(() => undefined), pause(milliseconds)]);

/** Returns whether the server refused the session. A 401 without its body is from a proxy. @param {AuthError} error */
const isEnd = (error) => error.status === 401 && error.code !== 'unexpected';

/** Throws an error, unless it is a refusal of the session. @param {AuthError} error */
function ignoreEnd(error) {
  if (!isEnd(error)) throw error;
}

/** Returns the error of a request for which nobody is signed in. */
const signedOut = () => new AuthError('missing_token', 'The user is not signed in', { status: 401 });

/** Returns the origin of an address. @throws {TypeError} if it has none: `localhost:8000` has the scheme `localhost` */
function originOf(address) {
  const { origin } = new URL(address);
  if (origin === 'null') throw new TypeError(`${address} is no origin`);
  return origin;
}

/** Whether this is a page or a worker. In Node.js, clients share nothing, because they may be of different users. */
const inBrowser = Boolean(globalThis.location);

/**
 * Returns the value of a cookie.
 * @param {string} name
 * @returns {string | undefined} undefined if there is no such cookie, or if scripts can't read it
 */
function cookie(name) {
  const pair = globalThis.document?.cookie.split('; ').find((one) => one.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}

/**
 * Reads a key of the browser's storage, or writes it if a value is given.
 * @param {'localStorage' | 'sessionStorage' | undefined} storage
 * @param {string} key
 * @param {object | string} [value]
 * @returns {any} null or undefined if nothing is stored
 */
function stored(storage, key, value) {
  try {
    /** @type {any} */
    const place = inBrowser && storage && globalThis[storage];
    if (value) place.setItem(key, JSON.stringify(value));
    else return JSON.parse(place.getItem(key));
  } catch {
    // The browser has no storage here, refuses access to it, or it is full. The value is then in memory only.
  }
}

/**
 * Creates a client. It sends no request before one of its members is used.
 * @param {Options} [options]
 * @returns {Auth}
 * @throws {TypeError} if `allow` names an audience with the transport `cookie`, or if `url` is missing outside of a browser
 */
export function createClient(options = {}) {
  const { url, base = '/auth', clientId = 'default', transport = 'cookie', persist, allow = [], fingerprint } = options;
  const { csrfCookie, csrfHeader = 'X-CSRF-Token' } = options;
  const csrfCookies = csrfCookie ? [csrfCookie] : ['__Host-csrf_token', '__Secure-csrf_token', 'csrf_token'];
  const home = originOf(url || globalThis.location?.href);
  const root = new URL(`${base}/`.replace('//', '/'), home);
  /** Returns the address of an endpoint below `base_path`, or of a path of the server. */
  const endpoint = (name) => new URL(name, root);
  const inCookies = transport === 'cookie';
  /** The origins of `allow`, with the audience of their tokens. @type {Record<string, string | undefined>} */
  const audiences = {};
  for (const origin of Array.isArray(allow) ? allow : Object.keys(allow)) {
    const audience = allow[origin]?.audience;
    if (audience && inCookies) throw new TypeError("a token for an audience needs the transport 'bearer'");
    audiences[originOf(origin)] = audience;
  }

  /** The common name of the lock, the channel and the storage keys, by which tabs share a session. */
  const shared = `vestibule ${home}${base} ${transport} ${clientId}`;
  const deviceKey = `${shared} device`;
  /** @type {'localStorage' | 'sessionStorage' | undefined} */
  const storage = { tab: 'sessionStorage', device: 'localStorage' }[inCookies ? '' : persist];
  let locks = inBrowser ? navigator.locks : undefined;
  /** The name of a lock that this tab holds while it is open, so that other tabs know of it. */
  const presence = `${shared} tab `;
  const ownPresence = presence + Math.random();

  /** @type {Held} */
  let held = { at: 0, due: 0 };
  /** @type {State} */
  let state = { status: 'loading', user: null };
  /** The access tokens for other audiences. @type {Record<string, { due: number, token: Promise<string> }>} */
  let forAudience = {};
  /** Has the events of `on`, and `state` for `subscribe`. */
  const events = new EventTarget();
  /** @type {BroadcastChannel | undefined} */
  let channel;
  /** The function that is called after each record of another tab. */
  let heard = () => {};
  /** The fingerprint, once its reading has begun. @type {Promise<object> | undefined} */
  let print;
  let mayPrint = fingerprint !== 'off';
  /** Whether the session is known to be bound: a refresh without the fingerprint would be refused, and the third ends it. */
  let isBound = false;
  /** The last exclusive request, where there are no locks. @type {Promise<any>} */
  let last = Promise.resolve();
  /** The pending refresh. @type {Promise<void> | undefined} */
  let refreshing;
  /** @type {Promise<void> | undefined} */
  let opened;
  /** @type {Promise<State> | undefined} */
  let ready;
  let timer;

  /** Returns the CSRF token. The cookies of a page of another host are not those of the server. */
  const csrf = () => (root.hostname === globalThis.location?.hostname && csrfCookies.map(cookie).find(Boolean)) || held.csrf;
  const isDue = () => held.live && Date.now() >= held.due;
  /** Returns when to refresh a token: when a fifth of its lifetime remains, or one minute if that is less. */
  const dueAfter = (seconds) => Date.now() + 1_000 * (seconds - Math.min(60, seconds / 5));

  /** Adds a listener. Returns the function that removes it. */
  function listen(event, listener) {
    begin().catch(() => {});
    const follow = () => listener(state);
    events.addEventListener(event, follow);
    return () => events.removeEventListener(event, follow);
  }

  const tell = (event) => events.dispatchEvent(new Event(event));

  /** Stores a record in this tab, and calls the listeners. */
  function adopt(record, event) {
    if (!record.live || record.id !== held.id) forAudience = {};
    held = { device: held.device, ...record };
    stored(storage, shared, { ...held, user: undefined });
    stored('localStorage', deviceKey, held.device);
    // A session whose user is not known yet is not shown.
    if (!held.live || held.user) {
      const { live, user, reason } = held;
      /** @type {State} */
      const next = live && user ? { status: 'signed-in', user } : { status: 'signed-out', user: null, reason };
      if (JSON.stringify(next) !== JSON.stringify(state)) {
        state = next;
        tell('state');
      }
      tell(event);
      if (event === 'expired') tell('signed-out');
    }
    wake();
  }

  /** Stores a new record in this tab, and sends it to the others. */
  function share(record, event) {
    adopt({ ...record, event, at: Math.max(Date.now(), held.at + 1) }, event);
    channel?.postMessage(held);
  }

  /** Changes the record in all tabs. */
  const put = (change, event) => share({ ...held, ...change }, event);

  /** Marks the session as ended in all tabs. If `event` is false, no listener of `on` is called. */
  function end(event, reason) {
    if (!held.at || held.live) share({ due: 0, id: held.id, reason }, event);
  }

  /**
   * Takes over a record if it is later. The end of one session ends no other. A session that has ended stays so, even if a late
   * record, or a clock that was set back, says otherwise.
   */
  function consider(record) {
    const isSame = record.id === held.id;
    const isLate = isSame && record.live !== held.live ? !held.live : record.at <= held.at;
    // The event is told, unless this tab has told the end already.
    const isNews = state.status !== 'loading' && (held.live || record.live);
    if (isLate) return;
    if (isSame || record.live || !held.live) adopt(record, isNews && record.event);
    else put({});
  }

  /** Handles a message of another tab: `ask`, or a record. */
  function receive({ data }) {
    if (data !== 'ask') {
      consider(data);
      heard();
    } else if (held.at) channel?.postMessage(held);
  }

  /** Takes over the latest record of the storage and of the other tabs. */
  async function gather() {
    const kept = stored(storage, shared);
    // The user is not in the storage.
    if (kept && (kept.live || held.at)) consider({ user: kept.id === held.id ? held.user : undefined, ...kept });
    if (!channel) return;
    const isOther = ({ name }) => name.startsWith(presence) && name !== ownPresence;
    let missing = (inCookies ? undefined : (await locks?.query())?.held?.filter(isOther).length) ?? Infinity;
    if (!missing) return;
    const { at } = held;
    /** @type {Promise<void>} */
    const answered = new Promise((resolve) => {
      heard = () => {
        if (!--missing || held.at > at) resolve();
      };
    });
    channel.postMessage('ask');
    await within(TABS_CEILING, answered);
  }

  /** Connects with the other tabs, and takes over their session. */
  function open() {
    opened ??= (async () => {
      if (!inBrowser) return;
      channel = new BroadcastChannel(shared);
      channel.onmessage = receive;
      addEventListener('online', wake);
      globalThis.document?.addEventListener('visibilitychange', wake);
      // A browser that blocks all site data refuses locks.
      await locks?.query().catch(() => (locks = undefined));
      // With cookies, the browser itself shares the session.
      if (inCookies) return;
      locks?.request(ownPresence, () => new Promise(() => {}));
      held = { ...held, device: stored('localStorage', deviceKey) ?? undefined };
      await gather();
    })();
    return opened;
  }

  /**
   * In a page that is visible, refreshes before the token expires. After an event, such as becoming visible, asks the server
   * whether the session is still live.
   * @param {Event} [event]
   */
  function wake(event) {
    clearTimeout(timer);
    if (!inBrowser || !held.live || !ready) return;
    timer = setTimeout(wake, isDue() ? RETRY : Math.min(TICK, held.due - Date.now()));
    if (refreshing || globalThis.document?.visibilityState === 'hidden') return;
    if (isDue()) refresh().catch(() => {});
    else if (event) look().catch(() => {});
  }

  /** Reads the fingerprint once, and returns the same promise at each call. */
  async function prepare() {
    if (!mayPrint) return undefined;
    print ??= import('./fingerprint.js').then((module) => module.collect());
    // After a failure, the next call tries again.
    print.catch(() => (print = undefined));
    return print;
  }

  /**
   * Sends a request to an endpoint: a POST request if there is a body.
   * @returns {Promise<any>} the body of the response
   * @throws {AuthError}
   */
  async function request(name, body, access = held.access, ceiling = ANSWER_CEILING) {
    const init = json(body ? 'POST' : 'GET', body);
    identify(init.headers, access);
    const credentials = inCookies ? 'include' : 'omit';
    return answerOf(fetch(endpoint(name), { ...init, credentials, signal: AbortSignal.timeout(ceiling) }));
  }

  /** Returns the options of a request with a JSON body, if there is a body. */
  const json = (method, body) => ({
    method,
    headers: new Headers(body && { 'Content-Type': 'application/json' }),
    body: JSON.stringify(body),
  });

  /** Returns the body of a response. @throws {AuthError} */
  async function answerOf(sent) {
    try {
      const response = await sent;
      if (!response.ok) throw await AuthError.of(response);
      return response.status === 204 ? {} : await response.json();
    } catch (caught) {
      // The cause tells more: the failed refresh, or in Node.js the error of the socket.
      const error = caught.cause ?? caught;
      if (error instanceof AuthError) throw error;
      throw new AuthError('unreachable', `${home}: ${error.message}. Is this page in cors_allowed_origins?`, { cause: error });
    }
  }

  /** Adds the header `Authorization`, and for the server the CSRF header. */
  function identify(headers, access, isHome = true) {
    const token = inCookies && isHome && csrf();
    if (token) headers.set(csrfHeader, token);
    if (access) headers.set('Authorization', `Bearer ${access}`);
  }

  /**
   * Requests the CSRF token from the server if no cookie that scripts can read has it: after a reload of a page of another
   * host, and where the browser hides all cookies from scripts because one of them is not UTF-8.
   * @param {boolean} [always] request it in any case
   * @returns {Promise<boolean>} true if the server was asked, and the session of the cookies is live
   */
  async function learnCsrf(always) {
    if (!inCookies || (csrf() && !always)) return false;
    const answer = await request('session').catch(() => ({}));
    held = { ...held, csrf: answer.csrf_token };
    return answer.csrf_token && !answer.reason;
  }

  /** Returns the part of the record that an answer with tokens gives. */
  function tokensOf(answer) {
    const { access_token: access, refresh_token: refresh, csrf_token: csrf, device_id, session_id, expires_in } = answer;
    isBound = answer.device_bound ?? isBound;
    const device = inCookies ? undefined : (device_id ?? held.device);
    return { live: true, access, refresh, device, csrf, id: csrf ?? session_id, due: dueAfter(expires_in) };
  }

  /**
   * Asks the server who is signed in.
   * @param {boolean} [isRefreshed] the tokens are new, so that an unknown user means that the session has ended
   */
  async function look(isRefreshed) {
    const { at } = held;
    const answer = await request('session');
    // Meanwhile somebody has signed in or out, or the tokens were refreshed.
    if (held.at !== at) return;
    mayPrint &&= answer.fingerprint !== 'off';
    const { user, csrf_token: csrf } = answer;
    const reason = answer.reason ?? undefined;
    const due = held.live ? held.due : dueAfter(answer.expires_in);
    if (user) put({ live: true, user, due, ...(inCookies && { csrf, id: csrf }) });
    else if (!isRefreshed && !reason && (csrf || held.refresh)) await refresh();
    else end(held.live && 'expired', reason);
  }

  /** Asks until it is known whether somebody is signed in. */
  function begin() {
    ready ??= (async () => {
      await open();
      while (state.status === 'loading') {
        await look().catch((error) => {
          if (state.status !== 'loading') return;
          state = { ...state, error };
          tell('state');
          return pause(RETRY);
        });
      }
      wake();
      return state;
    })();
    return ready;
  }

  /**
   * Sends a refresh request. Sends it a second time if there was no response, or if the cookies have changed meanwhile.
   */
  async function exchange(audience) {
    await learnCsrf();
    const fingerprint = await within(REFRESH_CEILING, prepare());
    const isBlind = mayPrint && !fingerprint;
    const checkSight = () => {
      if (isBlind && isBound) throw new AuthError('unreachable', 'no fingerprint.js');
    };
    checkSight();
    const body = { refresh_token: held.refresh, device_id: held.device, fingerprint, audience };
    const send = () => request('refresh', body, undefined, REFRESH_CEILING);
    try {
      return await send();
    } catch (error) {
      // No answer, or one of a proxy, which may have lost the answer of the server.
      if (!error.status || error.code === 'unexpected') {
        await pause(LOST_PAUSE);
        return send();
      }
      const isMismatch = error.code === 'device_mismatch';
      isBound ||= isMismatch;
      checkSight();
      if (!inCookies || isMismatch || ![401, 403].includes(error.status)) throw error;
      // The browser may not have stored the cookies of a password change in another tab yet.
      if (error.reason === 'password_changed') await pause(CHANGE_PAUSE);
      if (!(await learnCsrf(true))) throw error;
      return send();
    }
  }

  /** Refreshes, unless another tab has done so. @returns {Promise<any>} the answer, if this tab has sent the request */
  async function renewInTurn(before, waited, audience) {
    if (waited || !inCookies) await gather();
    if (held.due !== before.due && !audience) return undefined;
    if (!inCookies && !held.refresh) throw signedOut();
    const { id, live, access, due, user } = held;
    // Without locks, another tab may have signed in or out meanwhile. Then the answer is of a session that is no longer here.
    const isSame = () => held.id === id && held.live === live;
    try {
      const answer = await exchange(audience);
      const tokens = tokensOf(answer);
      const kept = { user: id === tokens.id ? user : undefined, ...(audience && { access, due }) };
      if (isSame()) put({ ...tokens, ...kept }, !audience && 'refreshed');
      return answer;
    } catch (error) {
      if (!isSame() && held.live && !audience) return undefined;
      if (isEnd(error) && isSame()) end(live && 'expired', error.reason);
      throw error;
    }
  }

  /** Runs the requests that change the session one after the other, in all tabs, so that no answer overtakes another. */
  function inTurn(run) {
    if (locks) return locks.request(shared, run);
    last = last.catch(() => {}).then(run);
    return last;
  }

  /** Runs a request that changes the session, with a token that is refreshed if necessary. */
  async function change(run) {
    await open();
    if (isDue()) await refresh();
    const { due } = held;
    return inTurn(run).catch(async (error) => {
      if (!isEnd(error) || !STALE.test(error.code)) throw error;
      if (held.due === due) await refresh();
      return inTurn(run);
    });
  }

  /** Refreshes in one tab at a time. */
  async function renew(audience) {
    await open();
    const before = held;
    /** @param {any} [waited] whether another tab may have refreshed while this one waited for the lock */
    const run = (waited) => renewInTurn(before, waited, audience);
    // The first attempt returns `locks` if another tab has the lock.
    const first = await locks?.request(shared, { ifAvailable: true }, (lock) => (lock ? run() : locks));
    return first === locks ? inTurn(() => run(locks)) : first;
  }

  function refresh() {
    refreshing ??= renew()
      // The roles of the user may have changed, which a page shows that follows the state; or the tokens are of another user.
      .then((answer) => ((answer && ready) || (held.live && !held.user) ? look(true).catch(() => {}) : undefined))
      .finally(() => (refreshing = undefined));
    return refreshing;
  }

  /** Returns a token for another audience. Its callers share a request. */
  function tokenFor(audience) {
    const kept = forAudience[audience];
    if (kept && Date.now() < kept.due) return kept.token;
    const token = renew(audience).then((answer) => {
      fresh.due = dueAfter(answer?.expires_in);
      return answer?.access_token;
    });
    const fresh = (forAudience[audience] = { due: Infinity, token });
    token.catch(() => (fresh.due = 0));
    return token;
  }

  /** @type {Auth['accessToken']} */
  async function accessToken({ audience } = {}) {
    await open();
    if (!held.refresh) return null;
    if (!audience && isDue()) await refresh().catch(ignoreEnd);
    return (audience ? await tokenFor(audience).catch(ignoreEnd) : held.access) ?? null;
  }

  /** Returns whether a refresh may help against a 401. The 401 of another origin has no code that we know. */
  async function isStale(response, isHome) {
    if (!isHome) return Math.abs(Date.now() - held.at) > SETTLED;
    const { error } = await response.clone().json().catch(() => ({}));
    return STALE.test(error);
  }

  /**
   * Sends a request with the token.
   * @param {RequestInfo | URL} input
   * @param {RequestInit} [init]
   * @returns {Promise<Response>}
   */
  async function fetchWithToken(input, init = {}) {
    const given = input instanceof Request ? input : undefined;
    const target = new URL(input instanceof Request ? input.url : input, home);
    const isHome = target.origin === home;
    if (!isHome && !(target.origin in audiences)) {
      throw new TypeError(`${target.origin} is not ${home}, and not in allow`);
    }
    const audience = audiences[target.origin];
    await open();
    const who = held.user?.id;
    const attempt = async () => {
      // A request of one user is not sent as another, who has signed in meanwhile.
      if (who && held.user && held.user.id !== who) throw signedOut();
      const headers = new Headers(init.headers ?? given?.headers);
      const access = audience ? await accessToken({ audience }) : held.access;
      identify(headers, access, isHome);
      const credentials = inCookies ? 'include' : isHome ? 'omit' : init.credentials;
      return fetch(given?.clone() ?? target, { ...init, headers, credentials });
    };
    await refreshing?.catch(() => {});
    if (isDue()) await refresh().catch(() => {});
    if ((init.method ?? given?.method ?? 'GET') !== 'GET') await learnCsrf();
    const { due } = held;
    let response;
    try {
      response = await attempt();
      const mayRepeat = response.status === 401 && (held.live || !held.at) && !(init.body instanceof ReadableStream);
      if (!mayRepeat || !(await isStale(response, isHome))) return response;
      if (audience) delete forAudience[audience];
      else if (held.due === due) await refresh();
      return await attempt();
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      if (error.status === 401 && response) return response;
      if (error.response && isHome) return error.response;
      throw new TypeError(error.message, { cause: error });
    }
  }

  /**
   * Sends a request to the server, with a token that is refreshed if necessary.
   * @param {string | URL} path
   * @param {string} [method]
   * @param {object} [body]
   * @returns {Promise<any>} the body of the response
   * @throws {AuthError}
   */
  const call = (path, method = 'GET', body) => answerOf(fetchWithToken(path, json(method, body)));

  /** @type {Auth['login']} */
  async function login({ bind = true, ...credentials }) {
    await open();
    const fingerprint = bind ? await within(PRINT_CEILING, prepare()) : undefined;
    return inTurn(async () => {
      const body = { client_id: clientId, device_id: held.device, ...credentials, transport, fingerprint };
      const tokens = tokensOf(await request('login', body));
      const { user } = await request('session', undefined, tokens.access);
      if (!user) {
        const why = "Another site (127.0.0.1 is not localhost) needs transport 'bearer', http needs cookie_secure = false";
        throw new AuthError('cookies_refused', `No cookies of ${home} were kept. ${why}`);
      }
      put({ ...tokens, user, reason: undefined }, 'signed-in');
      return user;
    });
  }

  /** @type {Auth['logout']} */
  async function logout({ everywhere } = {}) {
    await open();
    const { id } = held;
    const run = async () => {
      // Another tab has signed in meanwhile. Its session stays.
      if (held.id !== id) return;
      await learnCsrf();
      if (everywhere) await request('logout_all', {});
      else await request('logout', { refresh_token: held.refresh }).catch(ignoreEnd);
      end('signed-out', 'logged_out');
    };
    return everywhere ? change(run) : inTurn(run);
  }

  /** @type {Auth['user']} */
  async function user() {
    await begin();
    await look().catch(ignoreEnd);
    return state.user;
  }

  /** @type {Auth['confirm']} */
  const confirm = (password) =>
    change(async () => {
      const { access_token: access, expires_in } = await request('fresh', { password });
      put({ access, due: dueAfter(expires_in) });
    });

  /** @type {Auth['changePassword']} */
  const changePassword = (current_password, new_password) =>
    change(async () => {
      put(tokensOf(await request('/users/me/password', { current_password, new_password })), 'refreshed');
    });

  /** @type {Auth['update']} */
  async function update(changes) {
    const user = await call('/users/me', 'PATCH', changes);
    if (user.id === held.user?.id) put({ user });
    return user;
  }

  /** @type {Auth['endSession']} */
  async function endSession(id) {
    await call(endpoint(`sessions/${encodeURIComponent(id)}`), 'DELETE');
    // It may be the session of this client.
    await look().catch(() => {});
  }

  return {
    get ready() {
      return begin();
    },
    get state() {
      if (inBrowser) begin().catch(() => {});
      return state;
    },
    subscribe: (listener) => listen('state', listener),
    on: listen,
    login,
    register: (account) => request('register', account),
    logout,
    user,
    accessToken,
    fetch: fetchWithToken,
    refresh,
    confirm,
    changePassword,
    update,
    sessions: () => call(endpoint('active_sessions')),
    endSession,
    loginUrl: (next = location.href) => `${home}/login?next=${encodeURIComponent(next)}`,
    prepare,
  };
}
