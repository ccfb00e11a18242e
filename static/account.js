/**
 * The account page. All its forms also work without this module. With the module, an expired session is refreshed before a form
 * is sent, so that the typed text is not lost; a bound session can be refreshed only by a script. After a sign-out, the
 * module informs the other tabs.
 *
 * @module
 */

import { LEAVING, byId, client, countDown, helpWithPasswords, isWaiting, onAnnouncement, text } from './login.js';

/** Returns the question that the user must confirm before a form is sent. Empty if the form needs no confirmation. */
function question(form) {
  if (form.id === 'revoke-others') return text('confirm-others');
  if (form.id === 'delete-account') return text('confirm-delete');
  const device = form.closest('[data-session]')?.querySelector('h3 bdi')?.textContent.trim();
  return device ? text('confirm-device', { device }) : '';
}

/** Refreshes the session if its access token has expired. The caller can ignore an error: the server checks the form. */
async function renew() {
  const auth = await client();
  await auth.fetch('/users/me');
}

/** Sets a mark in `sessionStorage` if a form ends the session in this browser. The next page then informs the other tabs. */
function noteLeaving(form) {
  if (form.id !== 'sign-out' && form.id !== 'delete-account') return;
  try {
    sessionStorage.setItem(LEAVING, '1');
  } catch {
    // The browser refuses access to the storage. The other tabs then notice at their next request.
  }
}

/** Returns whether a form has a password, so that the limit of wrong passwords applies to it. */
const hasPassword = (form) => form.querySelector('[autocomplete$=password]') !== null;

/** Lets a form ask for confirmation, and refresh the session before the browser sends the form. */
function improve(form) {
  const hidePasswords = helpWithPasswords(form);
  const button = form.querySelector('[type=submit]');
  let renewed = false;
  form.addEventListener('submit', async (event) => {
    // The server accepts an expired token for a sign-out, so no refresh is needed.
    if (renewed || form.id === 'sign-out') return noteLeaving(form);
    event.preventDefault();
    if (form.getAttribute('aria-busy') === 'true' || (hasPassword(form) && isWaiting())) return;
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

/** Lets the link for the data export refresh the session before the download. */
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

for (const form of document.forms) improve(form);
const link = byId('export');
if (link) improveExport(link);
// The page was returned with an error, so the error receives the focus. At the address of the form, a reload would find no page.
const error = byId('error');
if (!error.hidden) {
  history.replaceState(null, '', '/account');
  error.focus();
  if (isWaiting()) countDown(Number(error.dataset.wait), Array.from(document.forms).filter(hasPassword));
}

// Another tab has signed in or out, or the browser restored this page from its cache. The server has the current content.
onAnnouncement(() => location.reload());
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
