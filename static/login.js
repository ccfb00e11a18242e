/**
 * The sign-in page, and what the other pages share with it: a module of its own would be one more request at load.
 *
 * Without it the page is a plain form. With it the session is bound to this browser, and a refusal needs no new page.
 * Nothing of the browser is read before somebody types or sends, and nothing is imported before that either.
 *
 * Every sentence comes from the page, as `data-text-…` on `<html>`.
 *
 * @module
 */

/** @typedef {import('./client.js').AuthError} AuthError */

const page = document.documentElement.dataset;

/** Tells the other tabs who is signed in. */
const channel = globalThis.BroadcastChannel && new BroadcastChannel('vestibule');

/**
 * @param {string} name as after `data-text-`
 * @param {Record<string, string | number>} [values] for the places in braces
 */
export function text(name, values = {}) {
  const key = `text-${name}`.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
  return (page[key] ?? '').replace(/\{(\w+)\}/g, (place, value) => String(values[value] ?? place));
}

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/** @type {Promise<ReturnType<import('./client.js').createClient>> | undefined} */
let imported;

/** The client, set up as this page says. */
export function client() {
  imported ??= import('./client.js').then(({ createClient }) =>
    createClient({
      base: page.base || '/',
      fingerprint: page.fingerprint === 'off' ? 'off' : 'on',
      csrfCookie: page.csrfCookie,
      csrfHeader: page.csrfHeader,
    }),
  );
  imported.catch(() => (imported = undefined));
  return imported;
}

/** Opens what the server said is next. It has checked it; a scheme that runs a script is refused here again. */
export function open(next) {
  const target = new URL(next, location.href);
  location.replace(/^https?:$/.test(target.protocol) ? target : '/');
}

/** Says to the other tabs that somebody has `signed-in` or `signed-out`. */
export function announce(what) {
  channel?.postMessage(what);
}

/** Follows what another tab says. */
export function onAnnouncement(follow) {
  channel?.addEventListener('message', ({ data }) => follow(data));
}

/** Set before a form is posted that ends the session here: the page that comes after it tells the other tabs. */
export const LEAVING = 'vestibule-leaving';

/** Show password, and the hint while Caps Lock is on. Gives what hides the password again. */
export function helpWithPasswords(form) {
  const passwords = Array.from(form.querySelectorAll('input[type=password]'));
  const toggle = form.querySelector('button[aria-pressed]');
  const hint = form.querySelector('#caps, .caps');
  const show = (shown) => {
    for (const password of passwords) password.type = shown ? 'text' : 'password';
    toggle?.setAttribute('aria-pressed', String(shown));
  };
  if (toggle) {
    toggle.hidden = false;
    toggle.addEventListener('click', () => show(toggle.getAttribute('aria-pressed') === 'false'));
  }
  const tell = (on) => {
    const sentence = on ? text('caps') : '';
    if (hint && hint.textContent !== sentence) hint.textContent = sentence;
  };
  for (const password of passwords) {
    for (const event of ['keydown', 'keyup', 'pointerdown']) {
      password.addEventListener(event, (at) => tell(at.getModifierState?.('CapsLock')));
    }
    password.addEventListener('blur', () => tell(false));
  }
  return () => show(false);
}

/** How long to wait, in words of the page's language: `45 seconds`, `3 minutes`. */
function duration(seconds) {
  const [unit, count] = seconds < 120 ? ['second', seconds] : ['minute', Math.ceil(seconds / 60)];
  return new Intl.NumberFormat(document.documentElement.lang, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
}

/** Which sentence says what the server answered. Whatever is wrong with name or password is one and the same. */
const SENTENCES = {
  invalid_credentials: 'wrong',
  too_many_requests: 'too-many',
  account_disabled: 'disabled',
  device_limit_reached: 'device-limit',
  already_exists: 'taken',
  unreachable: 'unreachable',
  cookies_refused: 'cookies',
};

/** @param {AuthError} error */
export function sentence(error) {
  const seconds = error.retryAfter ?? 60;
  return text(SENTENCES[error.code] ?? 'failed', { seconds, wait: duration(seconds) }) || text('failed');
}

/** Marks a form as being sent, or not: it can be read and focused meanwhile, and sent once only. */
function setBusy(form, busy, doing = '') {
  form.setAttribute('aria-busy', String(busy));
  byId('submit').setAttribute('aria-disabled', String(busy));
  byId('status').textContent = doing;
}

/** Shows what is wrong, and puts the focus there. */
export function showError(message) {
  const error = byId('error');
  error.textContent = message;
  error.hidden = false;
  error.focus();
}

/**
 * Sends a form by script. If the script can't, the browser does.
 * @param {HTMLFormElement} form
 * @param {string} doing the name of the sentence to show meanwhile
 * @param {(auth: Awaited<ReturnType<typeof client>>, values: any) => Promise<void>} send
 * @param {(error: AuthError) => string} explain
 */
export function sendByScript(form, doing, send, explain) {
  const hidePasswords = helpWithPasswords(form);
  /** @type {any} */
  const fields = form.elements;
  // What a password manager fills in by itself is not somebody typing.
  const warmUp = () => {
    if (navigator.userActivation?.hasBeenActive === false) return;
    form.removeEventListener('input', warmUp);
    client().then((auth) => auth.prepare()).catch(() => {});
  };
  form.addEventListener('input', warmUp);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.getAttribute('aria-busy') === 'true') return;
    hidePasswords();
    setBusy(form, true, text(doing));
    byId('error').hidden = true;
    const auth = await client().catch(() => undefined);
    // Nothing was sent yet, so nothing is sent twice. By the prototype: a button of this name hides the form's own.
    if (!auth) return HTMLFormElement.prototype.submit.call(form);
    try {
      await send(auth, Object.fromEntries(new FormData(form)));
      announce('signed-in');
      open(fields.next.value);
    } catch (error) {
      setBusy(form, false);
      // Refused: type it again. Not reached, or too early: send it again.
      if (error.status > 0 && error.status < 429) fields.password.value = '';
      showError(explain(error));
    }
  });
  // Back from another page, as it was left.
  addEventListener('pageshow', ({ persisted }) => persisted && setBusy(form, false));
  onAnnouncement((what) => {
    if (what === 'signed-in' && form.getAttribute('aria-busy') !== 'true') open(fields.next.value);
  });
}

/** Signs in, and makes sure that the browser kept the cookies: else the next page would ask to sign in again. */
export async function signIn(auth, username, password) {
  await auth.login({ username, password });
  const kept = document.cookie.split('; ').some((cookie) => cookie.startsWith(`${page.csrfCookie}=`));
  if (!kept) throw Object.assign(new Error(), { code: 'cookies_refused' });
}

const login = byId('login');
if (login) {
  const send = (auth, { username, password }) => signIn(auth, username, password);
  const explain = (error) => (error.code === 'invalid_request' ? text('wrong') : sentence(error));
  sendByScript(login, 'signing-in', send, explain);
}

try {
  if (sessionStorage.getItem(LEAVING)) {
    sessionStorage.removeItem(LEAVING);
    announce('signed-out');
  }
} catch {
  // Storage is switched off: then the other tabs learn it from the server.
}
