/**
 * The page for a user whose access token has expired and whose session is bound to this browser. The module refreshes the
 * session with the fingerprint of the browser and then opens the page `next`.
 *
 * @module
 */

import { byId, client, open, showError, text } from './login.js';

const { next } = byId('continue').dataset;

/** Refreshes the session and opens `next`. Opens the sign-in form if the refresh is refused. */
async function goOn() {
  byId('status').hidden = false;
  try {
    const auth = await client();
    await auth.refresh();
    open(next);
  } catch (error) {
    byId('status').hidden = true;
    // The session has ended (401), or the fingerprint belongs to another device (403).
    const notice = error.code === 'device_mismatch' ? '&notice=other_device' : '';
    if (error.status === 401 || error.status === 403) open(`/login?next=${encodeURIComponent(next)}${notice}`);
    else showError(text('unreachable'));
  }
}

goOn();
