/**
 * Where a person comes whose access token is over and whose session is bound to this browser: shows the server that it is
 * still the same one, and goes on to where they were going.
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
    // Refused: the session is over, or this is another device.
    if (error.status === 401 || error.status === 403) open(`/login?next=${encodeURIComponent(next)}`);
    else showError(text('unreachable'));
  }
}

goOn();
