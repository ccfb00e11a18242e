/**
 * The page of the workbench. Its buttons call the endpoints below `/dev`, which a script or a test can call too.
 *
 * @module
 */

const byId = (id) => document.getElementById(id);

/** Milliseconds between two looks at the server. */
const LOOK = 1_000;

/** The maximum number of requests that the list shows. */
const SHOWN = 100;

/** The ways in which a session can end, each with the text of its button. */
const ENDINGS = {
  'expire-access': 'Expire the access token',
  expire: 'Expire the session',
  revoke: 'Revoke the session',
  reuse: 'End it as after a stolen token',
};

/** The number of the latest request that is shown. */
let latest = 0;

/** The start of the server from which the shown requests are. */
let start;

/** Returns an element. A child is an element or a text. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Sends a request. Returns the body of its answer; throws if it is refused. */
async function call(method, path, body) {
  const headers = body ? { 'Content-Type': 'application/json' } : {};
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const answer = response.status === 204 ? {} : await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const fields = (answer.errors ?? []).map(({ field, message }) => `${field} ${message}.`).join(' ');
  throw new Error(fields || answer.detail || `${path} answered ${response.status}.`);
}

/** Does what a button asks for, and says what came of it. */
async function act(sentence, run) {
  byId('error').hidden = true;
  byId('done').hidden = true;
  try {
    await run();
    byId('done').textContent = sentence;
    byId('done').hidden = false;
  } catch (error) {
    byId('error').textContent = error.message;
    byId('error').hidden = false;
    byId('error').focus();
  }
  await look();
}

/** Replaces the content of a list, unless it is the same. The button with the focus keeps it, if it is still there. */
function fill(list, items, make) {
  const text = JSON.stringify(items);
  if (list.dataset.shown === text) return;
  list.dataset.shown = text;
  const focused = list.contains(document.activeElement) ? document.activeElement.ariaLabel : undefined;
  list.replaceChildren(...items.map(make));
  if (focused) [...list.querySelectorAll('button')].find((button) => button.ariaLabel === focused)?.focus();
}

/** Shows a plan. */
function plan({ status, error, delay_ms: delay, times, path }) {
  const answer = status ? `${status} ${error}` : 'the usual answer';
  const after = delay ? ` after ${delay} ms` : '';
  const requests = times === 1 ? 'the next request' : `the next ${times} requests`;
  return element('li', { textContent: `${answer}${after} to ${requests}${path ? ` to ${path}` : ''}` });
}

/** Shows a session, with a button for each way in which it can end. */
function session({ id, user, device_name: device, client_id: client, device_bound: isBound, generation, current }) {
  const name = `${user ?? 'somebody'} on ${device ?? 'an unknown device'}`;
  const end = ([word, label]) => {
    const button = element('button', { className: 'quiet', type: 'button', textContent: label, ariaLabel: `${label}: ${name}` });
    const done = word === 'expire-access' ? 'The access tokens of the session have expired.' : 'The session has ended.';
    button.addEventListener('click', () => act(done, () => call('POST', `/dev/sessions/${id}/${word}`)));
    return button;
  };
  const facts = `Client ${client}, ${isBound ? 'bound to its browser' : 'not bound'}, refresh token: generation ${generation}${current ? ', this browser' : ''}`;
  const title = element('div', {}, element('h3', {}, element('bdi', { textContent: name })), element('p', { className: 'hint', textContent: facts }));
  return element('li', {}, title, element('p', { className: 'actions' }, ...Object.entries(ENDINGS).map(end)));
}

/** Shows a request. Its tokens are shown when it is opened. */
function request({ at, method, route, status, error, took_ms: took, origin, user, session: id, generation, planned, tokens }) {
  const time = element('time', { dateTime: at, textContent: new Date(at).toLocaleTimeString() });
  const state = element('span', { className: status >= 400 ? 'status refused' : 'status', textContent: `${status}${error ? ` ${error}` : ''}` });
  const marks = [planned && 'planned', tokens.length > 0 && `${tokens.length} ${tokens.length === 1 ? 'token' : 'tokens'}`, `${took} ms`].filter(Boolean);
  const head = element('summary', {}, time, element('span', { className: 'route', textContent: `${method} ${route}` }), state, element('span', { className: 'muted', textContent: marks.join(', ') }));
  const facts = JSON.stringify({ origin, user, session: id, generation: generation ?? undefined }, null, 2);
  const parts = tokens.map(({ place, header, claims }) => {
    const text = claims ? JSON.stringify({ header, claims }, null, 2) : 'This server did not sign it.';
    return element('div', {}, element('h3', { textContent: place }), element('pre', { textContent: text, tabIndex: 0 }));
  });
  const body = element('div', { className: 'exchange' }, element('div', {}, element('h3', { textContent: 'Request' }), element('pre', { textContent: facts, tabIndex: 0 })), ...parts);
  return element('li', {}, element('details', {}, head, body));
}

/** Shows what is new on the server. */
async function showNews() {
  const [{ next }, { sessions }, { requests, start: itsStart }] = await Promise.all([
    call('GET', '/dev/next'),
    call('GET', '/dev/sessions'),
    call('GET', `/dev/requests?after=${latest}`),
  ]);
  if (itsStart !== start) {
    // The server was started again, and counts its requests from 1.
    const isFirst = start === undefined;
    [start, latest] = [itsStart, 0];
    byId('requests').replaceChildren();
    if (!isFirst) return showNews();
  }
  fill(byId('plans'), next, plan);
  fill(byId('sessions'), sessions, session);
  byId('no-sessions').hidden = sessions.length > 0;
  for (const one of requests) {
    latest = Math.max(latest, one.id);
    byId('requests').prepend(request(one));
  }
  while (byId('requests').children.length > SHOWN) byId('requests').lastElementChild.remove();
  byId('no-requests').hidden = latest > 0;
}

/** The last of the looks, each of which begins after the one before. Two at once would show a request twice. */
let looked = Promise.resolve();

/** Looks at the server. Says so if it does not answer. */
function look() {
  looked = looked.then(showNews).then(
    () => (byId('away').hidden = true),
    () => (byId('away').hidden = false),
  );
  return looked;
}

byId('plan').addEventListener('submit', (event) => {
  event.preventDefault();
  const { status, delay_ms: delay, times, path } = Object.fromEntries(new FormData(byId('plan')));
  const body = { status: Number(status) || undefined, delay_ms: Number(delay) || undefined, times: Number(times) || 1, path: path || undefined };
  act('It is planned.', () => call('POST', '/dev/next', body));
});
byId('clear').addEventListener('click', () => act('No plan is left.', () => call('DELETE', '/dev/next')));
byId('rotate').addEventListener('click', () => act('A new key signs. The one before verifies until its last token has expired.', () => call('POST', '/dev/keys/rotate')));
/** Milliseconds in which a second press of the button resets the data. */
const CONFIRM = 5_000;

byId('reset').addEventListener('click', ({ target }) => {
  if (!target.dataset.asked) {
    target.dataset.asked = 'yes';
    target.textContent = 'Press again to delete everything';
    setTimeout(() => {
      delete target.dataset.asked;
      target.textContent = 'Reset the data';
    }, CONFIRM);
    return;
  }
  act('The users, roles and clients are as at the first start.', () => call('POST', '/dev/reset'));
});

await look();
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, LOOK));
  if (document.visibilityState === 'visible') await look();
}
