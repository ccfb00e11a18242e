/**
 * The page for a visitor with an expired access token whose session is bound to this browser. It refreshes the session with
 * the fingerprint of the browser and then opens `next`.
 *
 * @module
 */

import { byId, client, open, showError, text } from './login.js';

const { next } = byId('continue').dataset;

async function goOn() {
  byId('status').hidden = false;
  try {
    const auth = await client();
    await auth.refresh();
    open(next);
  } catch (error) {
    byId('status').hidden = true;
    // The refresh was refused: the session has ended, or this is another device.
    if (error.status === 401 || error.status === 403) open(`/login?next=${encodeURIComponent(next)}`);
    else showError(text('unreachable'));
  }
}

goOn();
