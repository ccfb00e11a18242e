/**
 * The account page. All of it works without this module; with it a bound session whose access token is over is renewed
 * before a form is sent, so that nothing that was typed is lost, and other tabs follow a sign-out.
 *
 * @module
 */

import { LEAVING, byId, client, helpWithPasswords, onAnnouncement, text } from './login.js';

/** The question that a form asks first, if any. */
function question(form) {
  if (form.id === 'revoke-others') return text('confirm-others');
  if (form.id === 'delete-account') return text('confirm-delete');
  const device = form.closest('[data-session]')?.querySelector('h3')?.textContent.trim();
  return device ? text('confirm-device', { device }) : '';
}

/** Renews the session if its access token is over. Whatever comes of it, the server decides on what is sent then. */
async function renew() {
  const auth = await client();
  await auth.fetch('/users/me');
}

/** Both end the session in this browser, and the page that comes after it tells the other tabs. */
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
    // Whoever wants to leave may, with a token that is over as well.
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

/** The download, for which the same holds as for a form. */
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

/** `3 minutes ago`. Clocks differ by some seconds: what was just now is now. */
function ago(date) {
  const seconds = (Date.now() - date) / 1_000;
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? ['second', Infinity];
  const count = Math.max(0, Math.floor(seconds / length));
  return new Intl.RelativeTimeFormat(lang, { numeric: 'auto' }).format(-count, unit);
}

/** In the zone of whoever reads it, and as it stood there on hovering. */
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
// The page came back with what was wrong.
if (!byId('error').hidden) byId('error').focus();

// Somebody signed in or out in another tab, or came back to this page after that: the server knows what to show.
onAnnouncement(() => location.reload());
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
