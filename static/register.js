/**
 * The page that makes an account: by script, then signs in with it. Without this module it is a plain form.
 *
 * @module
 */

import { byId, sendByScript, sentence, signIn } from './login.js';

const form = byId('register');

/** What the server says of each field, as `Password must have …`, and the fields marked. */
function explainFields(fields) {
  const sentences = fields.map(({ field, message }) => {
    const input = form.elements[field];
    input?.setAttribute?.('aria-invalid', 'true');
    return `${input?.labels?.[0].textContent.trim() ?? field} ${message}.`;
  });
  return sentences.join(' ');
}

function explain(error) {
  return error.fields?.length ? explainFields(error.fields) : sentence(error);
}

async function send(auth, { username, email, password }) {
  for (const input of form.elements) input.removeAttribute('aria-invalid');
  // An empty field is one that isn't given.
  await auth.register({ username: username || undefined, email: email || undefined, password });
  await signIn(auth, username || email, password);
}

if (form) sendByScript(form, 'creating', send, explain);
