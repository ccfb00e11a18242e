/**
 * The account page. It works completely without this module. With the module, a bound session with an expired access token
 * is refreshed before a form is sent, so that no typed text is lost. Other tabs follow a sign-out.
 *
 * @module
 */

import { LEAVING, byId, client, helpWithPasswords, onAnnouncement, text } from './login.js';

/** Returns the question that the user must confirm before a form is sent, or an empty text. */
function question(form) {
  if (form.id === 'revoke-others') return text('confirm-others');
  if (form.id === 'delete-account') return text('confirm-delete');
  const device = form.closest('[data-session]')?.querySelector('h3')?.textContent.trim();
  return device ? text('confirm-device', { device }) : '';
}

/** Refreshes the session if its access token has expired. An error can be ignored: the server checks the form anyway. */
async function renew() {
  const auth = await client();
  await auth.fetch('/users/me');
}

/** Notes that a form ends the session in this browser: sign-out or account deletion. The next page informs the other tabs. */
function noteLeaving(form) {
  if (form.id !== 'sign-out' && form.id !== 'delete-account') return;
  try {
    sessionStorage.setItem(LEAVING, '1');
  } catch {
    // Storage is switched off.
  }
}

function improve(form) {
  const hidePasswords = helpWithPasswords(form);
  const button = form.querySelector('[type=submit]');
  let renewed = false;
  form.addEventListener('submit', async (event) => {
    // The server accepts an expired token for a sign-out, so no refresh is needed.
    if (renewed || form.id === 'sign-out') return noteLeaving(form);
    event.preventDefault();
    if (form.getAttribute('aria-busy') === 'true') return;
    const asked = question(form);
    if (asked && !confirm(asked)) return;
    hidePasswords();
    form.setAttribute('aria-busy', 'true');
    button.setAttribute('aria-disabled', 'true');
    byId('status').textContent = text('sending');
    await renew().catch(() => {});
    renewed = true;
    form.requestSubmit(button);
  });
}

/** Refreshes the session before the download too, as before a form. */
function improveExport(link) {
  let renewed = false;
  link.addEventListener('click', async (event) => {
    if (renewed) return (renewed = false);
    event.preventDefault();
    await renew().catch(() => {});
    renewed = true;
    link.click();
  });
}

const { lang } = document.documentElement;

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60]];

/** Returns a text such as `3 minutes ago`. The clocks may differ by some seconds, so a time in the future counts as now. */
function ago(date) {
  const seconds = (Date.now() - date) / 1_000;
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? ['second', Infinity];
  const count = Math.max(0, Math.floor(seconds / length));
  return new Intl.RelativeTimeFormat(lang, { numeric: 'auto' }).format(-count, unit);
}

/** Displays a time in the time zone of the user. The text of the server becomes the tooltip. */
function localise(time) {
  const date = new Date(time.dateTime);
  time.title = time.textContent;
  const format = new Intl.DateTimeFormat(lang, { dateStyle: 'long', timeStyle: 'short' });
  time.textContent = 'ago' in time.dataset ? ago(date) : format.format(date);
}

for (const form of document.forms) improve(form);
for (const time of document.querySelectorAll('time')) localise(time);
const link = byId('export');
if (link) improveExport(link);
// The page was returned with an error, so the error receives the focus.
if (!byId('error').hidden) byId('error').focus();

// Another tab has signed in or out, or the browser restored this page from its cache. The server has the current content.
onAnnouncement(() => location.reload());
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
