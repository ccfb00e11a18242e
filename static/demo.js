/**
 * The demonstration of the fingerprint. Each step asks for a guess, and then does what it asked about: with the endpoints that
 * every front end uses. The endpoints below `/demo` only show what the server has stored, and which weights it gives.
 *
 * @module
 */

const byId = (id) => document.getElementById(id);
const { base } = document.documentElement.dataset;
const page = byId('demo');
const [matchFrom, driftFrom, grace] = ['match', 'drift', 'grace'].map((name) => Number(page.dataset[name]));

/** Milliseconds between two looks at the session. */
const LOOK = 1_000;

/** Why a component counts as it does. */
const WHY = {
  os: 'Another system is another machine.',
  browser: 'Another browser is another device.',
  canvasPrint: 'A drawing. It depends on fonts, graphics card and driver.',
  gpu: 'The graphics card and its driver.',
  fonts: 'Installed fonts. Our list is short, so it tells little.',
  hardwareConcurrency: 'The number of cores.',
  screenPrint: 'The monitor. It changes with the desk.',
  deviceMemory: 'The memory, in coarse steps.',
  cpu: 'Most machines have one of a few values.',
  plugins: 'Hard-coded in most browsers.',
  touchPoints: 'Only recognises the desktop view of a phone.',
  timezone: 'Changes on a journey, and a thief can guess it.',
  language: 'Changes with a setting, and a thief can guess it.',
  osVersion: 'Changes with each update.',
  visitorId: 'A hash of other components, which are counted separately.',
  userAgent: 'Changes with each update.',
  browserVersion: 'Changes with each update.',
};

const VERDICTS = {
  match: 'The same device. The refresh passes.',
  drift: 'Much has changed. The refresh passes, and is recorded.',
  mismatch: 'Another device. The refresh is refused.',
  unjudged: 'This browser tells too little. The session is not bound, and the refresh passes.',
};

let fingerprint;
/** The latest tokens of Ada's browser. */
let ada;
let bob;
let password;
/** The refresh token that the thief has copied. */
let stolen;
/** The tokens that the thief has got. */
let loot;
/** The device of the refreshes that are only tried. */
let tryDevice;
/** The session as the server showed it last. */
let seen;
let rotatedAt = 0;
let hasEnded = false;

/** Returns an element. A child is an element or a text. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Sends a request, and returns it with its answer. */
async function send(path, body) {
  const method = body ? 'POST' : 'GET';
  const headers = body ? { 'Content-Type': 'application/json' } : {};
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  return { method, path, request: body, status: response.status, answer: await response.json().catch(() => ({})) };
}

/** Sends a request that must succeed. Returns the body of its answer. */
async function ask(path, body) {
  const { status, answer } = await send(path, body);
  if (status >= 400) throw new Error(answer.detail ?? `${path} answered ${status}.`);
  return answer;
}

/** Returns the claims of a token, which its holder may read. */
function claims(token) {
  const text = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text), (char) => char.charCodeAt(0))));
}

/** Returns a body as it is shown: no password, and of secrets and long texts only the beginning. */
function shown(body) {
  const hide = (key, value) => {
    if (key === 'password') return '••••••••';
    if (key === 'fingerprint' && value?.userAgent) return `${Object.keys(value).length} fields`;
    if (/token$|^device_id$/.test(key) && typeof value === 'string' && value.length > 24) return `${value.slice(0, 12)}…`;
    return value;
  };
  return JSON.stringify(body, hide, 2);
}

/** Shows a request, its answer and the claims of the tokens in it. */
function showExchange(place, { method, path, request, status, answer }) {
  const part = (title, text) => element('div', {}, element('h3', { textContent: title }), element('pre', { textContent: text, tabIndex: 0 }));
  const decoded = ['access_token', 'refresh_token'].filter((name) => answer[name]);
  const tokens = decoded.map((name) => part(`Claims of the ${name.replace('_', ' ')}`, JSON.stringify(claims(answer[name]), null, 2)));
  const parts = [part('Request', `${method} ${path}\n${shown(request)}`), part(`Answer ${status}`, shown(answer)), ...tokens];
  byId(place).replaceChildren(element('div', { className: 'exchange' }, ...parts));
}

/** Displays an error at the top of the page. */
function showError(error) {
  byId('error').textContent = error.message;
  byId('error').hidden = false;
  byId('error').focus();
}

/** Reveals what a step has shown, and opens the next one. */
function reveal(id, next) {
  const step = byId(id);
  const guess = step.querySelector('[type=radio]:checked');
  const said = guess?.closest('label').textContent.trim();
  step.querySelector('.told').textContent = guess ? `You said: “${said}” ${guess.value === 'right' ? 'That is right.' : 'That is wrong.'}` : '';
  step.querySelector('.answer').hidden = false;
  for (const input of step.querySelectorAll('.guess input, .go')) input.disabled = true;
  step.querySelector('.waiting')?.setAttribute('hidden', '');
  step.querySelector('.answer').focus({ preventScroll: true });
  step.scrollIntoView({ block: 'start' });
  if (next) byId(next).hidden = false;
}

/** Lets the button of a step do something. An error is shown, and the button can be pressed again. */
function onGo(id, act) {
  const button = byId(id).querySelector('.go');
  button.addEventListener('click', async () => {
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    byId('error').hidden = true;
    await act().catch(showError);
    button.removeAttribute('aria-disabled');
  });
}

const seconds = (count) => `${count} ${count === 1 ? 'second' : 'seconds'}`;

/** Step 1: reads the browser. */
async function read() {
  const begun = performance.now();
  const { collect } = await import('./fingerprint.js');
  fingerprint = await collect();
  byId('read').querySelector('.took').textContent = `${Math.max(1, Math.round(performance.now() - begun))} milliseconds`;
  const { components } = await ask('/demo/compare', { fingerprint });
  let total = 0;
  const rows = components.map(({ name, role, weight, present, common }) => {
    const counts = present && !common ? weight : 0;
    total += counts;
    const note = role === 'veto' ? 'must be equal' : weight === 0 ? 'not counted' : common ? '0, a common value' : present ? String(weight) : '0, not revealed';
    const meter = element('meter', { min: 0, max: 6, value: counts, ariaLabel: `Weight of ${name}` });
    const weighs = element('td', { className: 'weight' }, ...(weight ? [meter, ' '] : []), note);
    const value = fingerprint[name] ?? 'not revealed';
    return element('tr', {}, element('th', { scope: 'row' }, element('code', { textContent: name }), element('span', { className: 'why', textContent: WHY[name] ?? '' })), element('td', { textContent: value }), weighs);
  });
  byId('components').replaceChildren(...rows);
  byId('weight').textContent = `Together, what your browser reveals weighs ${total}.`;
  reveal('read', 'store');
}

/** Signs an account in. Returns the exchange. */
async function signIn(email, device) {
  const body = { email, password, device_id: device, device_name: 'The demonstration', transport: 'bearer', fingerprint };
  const exchange = await send(`${base}/login`, body);
  if (exchange.status !== 200) throw new Error(exchange.answer.detail);
  return exchange;
}

/** Step 2: signs both in. */
async function store() {
  password = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const { accounts } = await ask('/demo/start', { password });
  const first = await signIn(accounts[0]);
  ada = { email: accounts[0], ...first.answer };
  bob = (await signIn(accounts[1])).answer;
  const [ofAda, ofBob] = await Promise.all([ada, bob].map(({ session_id: id }) => ask(`/demo/sessions/${id}`)));
  const codes = Object.fromEntries(ofBob.stored.map(({ name, code }) => [name, code]));
  const cell = (text) => element('td', {}, element('code', { textContent: text }));
  const rows = ofAda.stored.map(({ name, code }) => element('tr', {}, element('th', { scope: 'row' }, element('code', { textContent: name })), cell(`${code}…`), cell(`${codes[name]}…`)));
  byId('codes').replaceChildren(...rows);
  byId('bound').textContent = ofAda.bound
    ? 'What most browsers say is not stored at all. Ada’s session is now bound to this browser.'
    : 'This browser reveals too little to be recognised, as iPhones and hardened browsers do. Ada’s session is not bound to it, so the thief below will get in at once. Try another browser too.';
  showExchange('login-exchange', first);
  reveal('store', 'refresh');
}

/** Sends a refresh. Returns the exchange. */
const refreshWith = (token, print, device) => send(`${base}/refresh`, { refresh_token: token, fingerprint: print, device_id: device });

/** Step 3: refreshes. */
async function refresh() {
  const exchange = await refreshWith(ada.refresh_token, fingerprint, ada.device_id);
  if (exchange.status !== 200) throw new Error(exchange.answer.detail);
  ada = { ...ada, ...exchange.answer };
  showExchange('refresh-exchange', exchange);
  reveal('refresh', 'change');
}

/** Returns the point of the dial for a score. */
function point(score, radius) {
  const angle = Math.PI * (1 - score);
  return [110 + radius * Math.cos(angle), 112 - radius * Math.sin(angle)].map((number) => number.toFixed(1)).join(' ');
}

/** Draws the dial with both thresholds. */
function drawDial() {
  const arc = (id, from, to) => byId(id).setAttribute('d', `M${point(from, 90)} A90 90 0 0 1 ${point(to, 90)}`);
  arc('arc-bad', 0, driftFrom);
  arc('arc-drift', driftFrom, matchFrom);
  arc('arc-good', matchFrom, 1);
  const marks = [driftFrom, matchFrom].map((score) => {
    const mark = document.createElementNS('http://www.w3.org/2000/svg', 'text');
    const [x, y] = point(score, 68).split(' ');
    for (const [name, value] of Object.entries({ x, y, 'text-anchor': 'middle' })) mark.setAttribute(name, value);
    mark.textContent = score.toFixed(2);
    return mark;
  });
  byId('marks').replaceChildren(...marks);
}

/** Returns the switches that are on. */
const switchesOn = () => [...page.querySelectorAll('[name=switch]:checked')].map((input) => input.value);

let asked = 0;

/** Shows what a refresh would find after the changes. Of several questions at once, the last one is shown. */
async function compare() {
  asked += 1;
  const number = asked;
  const body = { fingerprint, switches: switchesOn(), session: ada.session_id };
  const { found, fingerprint: after } = await ask('/demo/compare', body);
  if (number !== asked) return after;
  const score = found.score ?? 1;
  byId('needle').setAttribute('transform', `rotate(${(score - 0.5) * 180} 110 112)`);
  byId('score').textContent = `${found.equal} of ${found.weight} equal: ${score.toFixed(2)}, ${found.verdict}`;
  byId('verdict').textContent = VERDICTS[found.verdict];
  const veto = found.veto ? ' The browser or the system is another one, and then the score does not matter.' : '';
  const unknown = found.verdict === 'mismatch' && !found.veto && !found.identified ? ' Neither the drawing nor the graphics card is equal, and without one of them nothing passes.' : '';
  byId('differed').textContent = (found.differed.length ? `Different or missing: ${found.differed.join(', ')}.` : 'No component that counts is different.') + veto + unknown;
  byId('verdict').dataset.verdict = found.verdict;
  return after;
}

/** Step 4: shows the switches. */
async function change() {
  drawDial();
  await compare();
  reveal('change', 'steal');
  await prepareTheft();
}

/** Refreshes a session of its own with the changed fingerprint, so that Ada's session stays as it is. */
async function tryForReal() {
  const after = await compare();
  const { answer } = await signIn(ada.email, tryDevice);
  tryDevice = answer.device_id;
  const exchange = await refreshWith(answer.refresh_token, after, answer.device_id);
  byId('try').dataset.status = String(exchange.status);
  showExchange('try-exchange', exchange);
}

/** Returns a command for a terminal. A quotation mark can't end the text of the shell. */
function command(body) {
  const text = JSON.stringify(body).replaceAll("'", '\\u0027');
  return `curl -s ${location.origin}${base}/refresh \\\n  -H 'Content-Type: application/json' \\\n  -d '${text}'`;
}

/** Shows the thief's commands. */
async function prepareTheft() {
  stolen = ada.refresh_token;
  byId('first-command').textContent = command({ refresh_token: stolen });
  byId('second-command').textContent = command({ refresh_token: stolen, fingerprint });
  byId('live').hidden = false;
  await look();
  setInterval(() => {
    if (document.visibilityState === 'visible' && !hasEnded) look().catch(() => {});
  }, LOOK);
}

/** Step 5: the thief without the fingerprint. */
async function steal() {
  await refreshWith(stolen);
  await look();
}

/** Step 6: the thief with the fingerprint. */
async function copy() {
  const { status, answer } = await refreshWith(stolen, fingerprint);
  if (status === 200) loot = answer;
  await look();
}

const SENTENCES = {
  login_succeeded: () => 'Ada has signed in.',
  device_mismatch: ({ score, differed }) => `A refresh with another fingerprint was refused${score === undefined ? '' : ` (score ${score.toFixed(2)}; different or missing: ${differed?.join(', ')})`}.`,
  device_drift: ({ score }) => `A refresh with a changed fingerprint has passed (score ${score?.toFixed(2)}).`,
  refresh_repeated: ({ user_agent: agent }) => `A replaced token was repeated by another program (${agent ?? 'an unknown program'}), and this was recorded.`,
  refresh_reused: () => 'A replaced token was used again after its time.',
  session_revoked: ({ reason }) => `The session has ended (${reason}).`,
};

/** Adds a line to the list of what the server has seen. */
function note(at, text) {
  const time = element('time', { dateTime: at.toISOString(), textContent: at.toLocaleTimeString() });
  byId('timeline').prepend(element('li', {}, time, ` ${text}`));
}

/** Looks at Ada's session, and shows what is new. */
async function look() {
  const now = await ask(`/demo/sessions/${ada.session_id}`);
  const before = seen;
  seen = now;
  const known = before ? Math.max(0, ...before.events.map(({ id }) => id)) : 0;
  for (const event of now.events.filter(({ id }) => id > known).reverse()) {
    note(new Date(event.at), SENTENCES[event.event]?.(event.detail) ?? event.event);
  }
  if (before && now.generation > before.generation) {
    rotatedAt = Date.now();
    note(new Date(now.rotated_at), `The refresh token was replaced: generation ${now.generation}, by ${now.user_agent ?? 'an unknown program'}.`);
  }
  const life = { live: 'The session lives', revoked: `The session has ended: ${now.reason}`, expired: 'The session has expired' }[now.state];
  byId('state').textContent = `${life}. Generation ${now.generation}, ${now.mismatches} attempts from another device in a row; the third ends it.`;
  const isIn = claims(stolen).gen < now.generation;
  if (now.mismatches > 0 && byId('copy').hidden) {
    byId('refused').textContent = `Refused with device_mismatch: attempt ${now.mismatches} of 3.`;
    reveal('steal', 'copy');
  }
  if (isIn && byId('catch').hidden) {
    if (byId('copy').hidden) {
      byId('refused').textContent = 'The thief got in at once, because this browser reveals too little to be recognised.';
      reveal('steal', 'copy');
    }
    reveal('copy', 'catch');
    if (grace > 0) {
      byId('grace').textContent = seconds(grace);
      countDown();
    }
  }
  if (now.state !== 'live') hasEnded = true;
}

/** Shows the seconds until the server refuses the old token. */
function countDown() {
  const left = Math.ceil((rotatedAt + (grace + 1) * 1_000 - Date.now()) / 1_000);
  // The server counts whole seconds, so the time may take one second longer.
  byId('countdown').textContent = left > 0 ? `${seconds(Math.min(left, grace))} left.` : 'The time is over.';
  if (left > 0) setTimeout(countDown, 500);
}

/** Step 7: Ada's browser comes back. */
async function discover() {
  const exchange = await refreshWith(stolen, fingerprint, ada.device_id);
  byId('catch').querySelector('.early').hidden = exchange.status !== 200;
  await look();
  if (exchange.status === 200) return;
  showExchange('catch-exchange', exchange);
  byId('thief-text').textContent = loot ? 'The token that the thief has got is refused too:' : 'The stolen token is refused too:';
  showExchange('thief-exchange', await refreshWith(loot?.refresh_token ?? stolen, fingerprint));
  reveal('catch', 'end');
}

/** Connects the buttons with the steps. Without the policy that the demonstration needs, the page has none. */
function begin() {
  for (const [id, act] of Object.entries({ read, store, refresh, change, steal, copy, catch: discover })) onGo(id, act);
  for (const input of page.querySelectorAll('[name=switch]')) input.addEventListener('change', () => compare().catch(showError));
  byId('try').addEventListener('click', () => tryForReal().catch(showError));
  byId('again').addEventListener('click', () => location.reload());
  for (const button of page.querySelectorAll('.copy')) {
    button.addEventListener('click', async () => {
      const shownCommand = byId(button.dataset.of);
      try {
        await navigator.clipboard.writeText(shownCommand.textContent);
        button.textContent = 'Copied';
      } catch {
        // Without https there is no clipboard, and a browser may refuse it.
        getSelection().selectAllChildren(shownCommand);
        button.textContent = 'Selected';
      }
    });
  }
}

if (byId('read')) begin();
