/**
 * The registration page. The module creates the account and then signs the user in. Without it, the page is a plain form.
 *
 * @module
 */

import { byId, sendByScript, sentence, signIn, text } from './login.js';

const form = byId('register');

/** Removes the marks of an earlier attempt. */
function unmark() {
  for (const problem of form.querySelectorAll('.problem')) problem.remove();
  for (const input of form.querySelectorAll('[aria-invalid]')) {
    input.removeAttribute('aria-invalid');
    describe(input, '');
  }
}

/** Sets the ids of the texts that describe an input: that of its hint, if it has one, and `problem`. */
function describe(input, problem) {
  const ids = [byId(`${input.id}-hint`)?.id, problem].filter(Boolean).join(' ');
  if (ids) input.setAttribute('aria-describedby', ids);
  else input.removeAttribute('aria-describedby');
}

/** Marks an invalid field and displays its problem below it. Returns the link to the field; undefined without such a field. */
function mark({ field, message }) {
  const input = form.elements[field];
  const label = input?.labels?.[0];
  if (!label) return undefined;
  const problem = document.createElement('p');
  problem.className = 'problem';
  problem.id = `${input.id}-problem`;
  problem.textContent = `${label.textContent.trim()} ${message}.`;
  label.parentElement.append(problem);
  input.setAttribute('aria-invalid', 'true');
  describe(input, problem.id);
  return { id: input.id, sentence: problem.textContent };
}

/** Returns the message for an error, and the links to the invalid fields. */
function explain(error) {
  const links = error.fields.map(mark).filter(Boolean);
  return links.length > 0 ? [text('check'), links] : [sentence(error)];
}

/** Creates the account and signs in, with the username or else with the email address. */
async function send(auth, { username, email, password }) {
  unmark();
  // The server would check an empty name, so an empty field is left out.
  await auth.register({ username: username || undefined, email: email || undefined, password });
  await signIn(auth, username || email, password);
}

if (form) sendByScript(form, 'creating', send, explain);
