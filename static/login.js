/**
 * The sign-in page, and the functions that it shares with the other pages. A separate module for these functions would cost one
 * more request when a page is loaded.
 *
 * Without this module, the page is a plain form. With it, the session is bound to this browser, and an error is displayed
 * without loading a new page.
 * No details of the browser are read, and no other module is imported, before the user types or submits the form.
 *
 * The module contains no sentences: the server puts them into the page as attributes `data-text-…` of `<html>`.
 *
 * @module
 */

/** @typedef {import('./client.js').AuthError} AuthError */

const page = document.documentElement.dataset;

/** The channel that informs the other tabs about a sign-in or sign-out. */
const channel = globalThis.BroadcastChannel && new BroadcastChannel('vestibule');

/**
 * Returns a sentence of the page; empty if the page does not have it.
 * @param {string} name the part after `data-text-`
 * @param {Record<string, string | number>} [values] the values for the placeholders in braces
 */
export function text(name, values = {}) {
  const key = `text-${name}`.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
  return (page[key] ?? '').replace(/\{(\w+)\}/g, (place, value) => String(values[value] ?? place));
}

/** Returns the element with an id; null if it does not exist. @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/** The client, once its import has begun. @type {Promise<ReturnType<import('./client.js').createClient>> | undefined} */
let imported;

/** Returns the client, with the settings of this page. It is imported at the first call. */
export function client() {
  imported ??= import('./client.js').then(({ createClient }) =>
    createClient({
      base: page.base || '/',
      fingerprint: page.fingerprint === 'off' ? 'off' : 'auto',
      csrfCookie: page.csrfCookie,
      csrfHeader: page.csrfHeader,
    }),
  );
  // After a failure, the next call tries again.
  imported.catch(() => (imported = undefined));
  return imported;
}

/** The form of the sign-in page; null on other pages. */
const login = byId('login');

/** The box without which nothing is read from the browser; null if the page does not ask. */
const consent = byId('bind');
if (consent) byId('consent').hidden = false;

/** Returns whether the sign-in may be tied to this browser. */
const mayBind = () => !consent || consent.checked;

/** Opens the URL `next`, which the server has checked. Opens `/` instead if its scheme is not http or https. */
export function open(next) {
  const target = new URL(next, location.href);
  location.replace(/^https?:$/.test(target.protocol) ? target : '/');
}

/** Announces to the other tabs that the user has `signed-in` or `signed-out`. */
export function announce(what) {
  channel?.postMessage(what);
}

/** Calls `follow` with each announcement of another tab: `signed-in` or `signed-out`. */
export function onAnnouncement(follow) {
  channel?.addEventListener('message', ({ data }) => follow(data));
}

/** The key in `sessionStorage` that is set when a form ends the session. The next page then informs the other tabs. */
export const LEAVING = 'vestibule-leaving';

/**
 * Adds the buttons that show the passwords, and the hint while Caps Lock is on. Returns a function that hides the passwords.
 * @param {HTMLFormElement} form
 */
export function helpWithPasswords(form) {
  /** @type {HTMLInputElement[]} */
  const passwords = Array.from(form.querySelectorAll('input[type=password]'));
  const hint = form.querySelector('#caps, .caps');
  const show = (password, shown) => {
    password.type = shown ? 'text' : 'password';
    // The button has both names, of which one is hidden.
    const [showing, hiding] = password.parentElement.querySelector('button')?.children ?? [];
    if (showing) [showing.hidden, hiding.hidden] = [shown, !shown];
  };
  const tell = (on) => {
    const sentence = on ? text('caps') : '';
    if (hint && hint.textContent !== sentence) hint.textContent = sentence;
  };
  for (const password of passwords) {
    const button = password.parentElement.querySelector('button');
    if (button) button.hidden = false;
    button?.addEventListener('click', () => show(password, password.type === 'password'));
    for (const event of ['keydown', 'keyup', 'pointerdown']) {
      password.addEventListener(event, (at) => tell(at.getModifierState?.('CapsLock')));
    }
    password.addEventListener('blur', () => tell(false));
  }
  return () => passwords.forEach((password) => show(password, false));
}

/** Returns a waiting time in the language of the page, such as `45 seconds` or `3 minutes`. */
function duration(seconds) {
  const [unit, count] = seconds < 120 ? ['second', seconds] : ['minute', Math.ceil(seconds / 60)];
  return new Intl.NumberFormat(document.documentElement.lang, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
}

/** The units of a time span, longest first, with their lengths in seconds. @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60]];

/** Returns a text such as `3 minutes ago`. The clocks may differ by some seconds, so a time in the future is shown as now. */
function ago(date) {
  const seconds = (Date.now() - date) / 1_000;
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? ['second', Infinity];
  const count = Math.max(0, Math.floor(seconds / length));
  return new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: 'auto' }).format(-count, unit);
}

/**
 * Displays a time in the user's time zone, and a date as the user's languages write it. A time span belongs to its sentence, so
 * it has the language of the page. The text of the server becomes the tooltip.
 */
function localise(time) {
  const date = new Date(time.dateTime);
  const ofServer = time.textContent;
  if ('ago' in time.dataset) {
    time.textContent = ago(date);
  } else {
    const dateStyle = 'short' in time.dataset ? 'medium' : 'long';
    const format = new Intl.DateTimeFormat(navigator.languages, { dateStyle, timeStyle: 'short' });
    time.lang = format.resolvedOptions().locale;
    time.textContent = format.format(date);
  }
  time.title = ofServer;
}

for (const time of document.querySelectorAll('time')) localise(time);

/** The names of the sentences for the error codes. Other codes have the sentence `failed`. */
const SENTENCES = {
  invalid_credentials: 'wrong',
  too_many_requests: 'too-many',
  account_disabled: 'disabled',
  device_limit_reached: 'device-limit',
  unreachable: 'unreachable',
  cookies_refused: 'cookies',
};

/**
 * Returns the sentence for an error, with the waiting time. The time is one minute if the server did not send it.
 * @param {AuthError} error
 */
export function sentence(error) {
  const seconds = error.retryAfter ?? 60;
  return text(SENTENCES[error.code] ?? 'failed', { seconds, wait: duration(seconds) }) || text('failed');
}

/** Marks a form as being sent, or removes the mark. The fields are not disabled, so that they can be read and focused. */
function setBusy(form, busy, doing = '') {
  form.setAttribute('aria-busy', String(busy));
  byId('submit').setAttribute('aria-disabled', String(busy));
  byId('status').textContent = doing;
}

/** Adds the word for an error to the title of the page, or removes it. */
function markTitle(isError) {
  const mark = `${text('error')} `;
  const title = document.title.startsWith(mark) ? document.title.slice(mark.length) : document.title;
  document.title = isError ? mark + title : title;
}

/**
 * Displays an error message and moves the focus to it.
 * @param {string} message
 * @param {{ id: string, sentence: string }[]} [links] a sentence for each field that has a problem, with the id of the field
 */
export function showError(message, links = []) {
  const error = byId('error');
  const add = (parent, name, content = '') => {
    const element = parent.appendChild(document.createElement(name));
    element.textContent = content;
    return element;
  };
  error.replaceChildren();
  error.removeAttribute('aria-live');
  add(error, 'p', message);
  const list = links.length > 0 && add(error, 'ul');
  for (const { id, sentence } of links) add(add(list, 'li'), 'a', sentence).href = `#${id}`;
  error.hidden = false;
  markTitle(true);
  error.focus();
}

/** Removes the error message. */
export function hideError() {
  byId('error').hidden = true;
  markTitle(false);
}

/** Ends the countdown that runs, if there is one. */
let stopWaiting = () => {};

/** Returns whether a countdown runs. */
export const isWaiting = () => byId('error').dataset.wait !== undefined;

/**
 * Counts a waiting time down in the error message. Until its end, the buttons that send `forms` are marked as disabled. The
 * limit may belong to the name that was typed, so another name ends the countdown.
 * @param {number} seconds
 * @param {HTMLFormElement[]} forms
 */
export function countDown(seconds, forms) {
  stopWaiting();
  const error = byId('error');
  const end = Date.now() + seconds * 1_000;
  const setDisabled = (disabled) => {
    for (const form of forms) form.querySelector('[type=submit]').setAttribute('aria-disabled', String(disabled));
  };
  const stop = () => {
    clearInterval(timer);
    delete error.dataset.wait;
    setDisabled(false);
  };
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1_000);
    // A screen reader has read the message once. It does not read every second.
    error.setAttribute('aria-live', 'off');
    if (left > 0) return (error.firstElementChild.textContent = text('too-many', { wait: duration(left) }));
    stop();
    hideError();
    byId('status').textContent = text('now');
  };
  const timer = setInterval(tick, 1_000);
  error.dataset.wait = String(seconds);
  setDisabled(true);
  for (const form of forms) form.querySelector('[name=username]:not([hidden])')?.addEventListener('input', stop, { once: true });
  stopWaiting = stop;
}

/**
 * Lets a script send a form whenever the user submits it. If the client can't be loaded, the browser sends the form.
 * @param {HTMLFormElement} form
 * @param {string} doing the name of the sentence that is displayed while the form is sent
 * @param {(auth: Awaited<ReturnType<typeof client>>, values: any) => Promise<void>} send sends the values of the form
 * @param {(error: AuthError) => [string, { id: string, sentence: string }[]?]} explain returns what `showError` displays
 */
export function sendByScript(form, doing, send, explain) {
  const hidePasswords = helpWithPasswords(form);
  /** @type {any} */
  const fields = form.elements;
  // If a password manager fills in the form, the user has not typed yet. Then nothing is read from the browser.
  const warmUp = () => {
    if (navigator.userActivation?.hasBeenActive === false) return;
    form.removeEventListener('input', warmUp);
    client().then((auth) => mayBind() && auth.prepare()).catch(() => {});
  };
  form.addEventListener('input', warmUp);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.getAttribute('aria-busy') === 'true' || isWaiting()) return;
    hidePasswords();
    setBusy(form, true, text(doing));
    hideError();
    const auth = await client().catch(() => undefined);
    // No request was sent yet, so the form is not sent twice. The method of the prototype is called, because the button with
    // the id `submit` hides the method `submit` of the form.
    if (!auth) return HTMLFormElement.prototype.submit.call(form);
    try {
      await send(auth, Object.fromEntries(new FormData(form)));
      announce('signed-in');
      open(fields.next.value);
    } catch (error) {
      setBusy(form, false);
      // Only a page of the server lists the devices, of which one can be signed out.
      if (error.code === 'device_limit_reached' && form === login) return HTMLFormElement.prototype.submit.call(form);
      // A refused password is removed, so that the user types it again. It stays if the server was not reached (status 0), at
      // 429, and after an error of the server, because the user can then send it again.
      if (error.status > 0 && error.status < 429) fields.password.value = '';
      showError(...explain(error));
      if (error.code === 'too_many_requests') countDown(error.retryAfter ?? 60, [form]);
    }
  });
  // If the browser restores the page from its cache, the form is still marked as being sent.
  addEventListener('pageshow', ({ persisted }) => persisted && setBusy(form, false));
  onAnnouncement((what) => {
    if (what === 'signed-in' && form.getAttribute('aria-busy') !== 'true') open(fields.next.value);
  });
}

/**
 * Signs in. `end_session` is the session that makes room, if the limit of devices was reached. Throws `cookies_refused` if the
 * browser did not store the cookies; the next page would be this form again.
 */
export async function signIn(auth, username, password, end_session) {
  await auth.login({ username, password, end_session, bind: mayBind() });
}

if (login) {
  const send = (auth, { username, password, end_session }) => signIn(auth, username, password, end_session);
  const explain = (error) => {
    const isWrong = error.code === 'invalid_request' || error.code === 'invalid_credentials';
    return isWrong ? [text('wrong'), [{ id: 'password', sentence: text('again') }]] : [sentence(error)];
  };
  sendByScript(login, 'signing-in', send, explain);
}

try {
  if (sessionStorage.getItem(LEAVING)) {
    sessionStorage.removeItem(LEAVING);
    announce('signed-out');
  }
} catch {
  // The browser refuses access to the storage. The other tabs then notice the sign-out at their next request.
}
