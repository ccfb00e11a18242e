/**
 * The page for a user whose access token has expired and whose session is bound to this browser. The module refreshes the
 * session with the fingerprint of the browser and then opens the page `next`.
 *
 * @module
 */

import { byId, client, hideError, open, showError, text } from './login.js';

const main = byId('continue');
const { next } = main.dataset;

/** Displays that the check is running, or that it has failed and can be repeated. */
function setRunning(running) {
  byId('status').hidden = !running;
  byId('again').hidden = running;
  main.classList.toggle('failed', !running);
}

/** Refreshes the session and opens `next`. Opens the sign-in form if the refresh is refused. */
async function goOn() {
  hideError();
  setRunning(true);
  try {
    const auth = await client();
    await auth.refresh();
    open(next);
  } catch (error) {
    const onward = encodeURIComponent(next);
    // The session lives, but its fingerprint is that of another device.
    if (error.code === 'device_mismatch') return open(`/login?next=${onward}&notice=other_device`);
    // The session has ended. The server finds out why, and opens the form.
    const isRefused = error.status === 401 || error.status === 403;
    if (isRefused) return open(`${document.documentElement.dataset.base}/continue?checked=1&next=${onward}`);
    setRunning(false);
    showError(text('unreachable'));
  }
}

byId('again').addEventListener('click', goOn);
goOn();
