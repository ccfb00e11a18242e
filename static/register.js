/**
 * The registration page. The module creates the account and then signs the user in. Without it, the page is a plain form.
 *
 * @module
 */

import { byId, sendByScript, sentence, signIn } from './login.js';

const form = byId('register');

/** Marks the invalid fields. Returns a text with one sentence for each field, such as `Password must have …`. */
function explainFields(fields) {
  const sentences = fields.map(({ field, message }) => {
    const input = form.elements[field];
    input?.setAttribute?.('aria-invalid', 'true');
    return `${input?.labels?.[0].textContent.trim() ?? field} ${message}.`;
  });
  return sentences.join(' ');
}

/** Returns the sentences for an error. */
function explain(error) {
  return error.fields?.length ? explainFields(error.fields) : sentence(error);
}

/** Creates the account and signs in, with the username or else with the email address. */
async function send(auth, { username, email, password }) {
  for (const input of form.elements) input.removeAttribute('aria-invalid');
  // The server would check an empty name, so an empty field is left out.
  await auth.register({ username: username || undefined, email: email || undefined, password });
  await signIn(auth, username || email, password);
}

if (form) sendByScript(form, 'creating', send, explain);
