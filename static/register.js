/**
 * The registration page. The module creates the account by script and then signs in. Without it the page is a plain form.
 *
 * @module
 */

import { byId, sendByScript, sentence, signIn } from './login.js';

const form = byId('register');

/** Marks the invalid fields. Returns one sentence for each of them, such as `Password must have …`. */
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
  // An empty field is sent as an absent field.
  await auth.register({ username: username || undefined, email: email || undefined, password });
  await signIn(auth, username || email, password);
}

if (form) sendByScript(form, 'creating', send, explain);
