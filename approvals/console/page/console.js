// The console's page. Everything that comes from the server is put in as text, never as markup.
'use strict';

const page = document.getElementById('page');
const trouble = document.getElementById('trouble');
const POLL_MS = 2000;
const WINDOWS = [[300, '5 minutes'], [900, '15 minutes'], [1800, '30 minutes'], [3600, '1 hour'], [14400, '4 hours'],
  [86400, '1 day'], [604800, '1 week'], [2592000, '30 days']];
let me = null;
let shown = '';       // what is on the page, so that polling redraws only what changed
let clockOffset = 0;  // the server's clock minus ours

function element(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in node && name !== 'list') node[name] = value;
    else node.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined) continue;
    node.append(child.nodeType ? child : document.createTextNode(String(child)));
  }
  return node;
}

async function ask(path, body) {
  const options = { headers: {}, credentials: 'same-origin', cache: 'no-store' };
  if (body !== undefined) {
    options.method = 'POST';
    options.headers = { 'Content-Type': 'application/json', 'X-Holdpoint-Csrf': me.csrf };
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    throw new Error('The console cannot be reached.');
  }
  const answer = await response.json();
  if (!response.ok) {
    const error = new Error(answer.message || response.statusText);
    error.status = response.status;
    throw error;
  }
  if (answer.now) clockOffset = Date.parse(answer.now) - Date.now();
  return answer;
}

function complain(error) {
  trouble.textContent = error ? error.message : '';
  trouble.hidden = !error;
  if (error && error.status === 401) {
    trouble.hidden = true;
    shown = '';
    page.replaceChildren(element('h2', {}, 'You are not signed in'),
      element('p', {}, 'Ask for a link that opens the console once: ', element('code', {}, 'holdpoint console')));
  }
}

function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}
const now = () => Date.now() + clockOffset;
const brief = (text) => (text.length > 120 ? `${text.slice(0, 119)}…` : text);
const ago = (time) => `${span(now() - Date.parse(time))} ago`;
const state = (name) => element('span', { className: `state ${/^[a-z]+$/.test(name) ? name : ''}` }, name);
const facts = (rows) => element('dl', {}, rows.filter(([, value]) => value !== '' && value !== null && value !== undefined)
  .map(([term, value]) => [element('dt', {}, term), element('dd', {}, Array.isArray(value)
    ? element('ul', {}, value.map((each) => element('li', {}, each))) : value)]));

function row(review) {
  const left = review.state === 'pending' ? `${span(Date.parse(review.expires_at) - now())} left` : ago(review.requested_at);
  const votes = review.state === 'pending' && review.required > 1 ? `, ${review.approvals} of ${review.required} approvals` : '';
  return element('li', {}, element('a', { className: 'row', href: `#/reviews/${review.review_id}` },
    element('span', { className: 'what' }, `${review.service}: ${review.operation}`), state(review.state),
    element('span', { className: 'about' }, `${review.principal} · ${(review.resources || []).slice(0, 3).map(brief).join(', ')}`
      + `${(review.resources || []).length > 3 ? ` and ${review.resources.length - 3} more` : ''}`),
    element('span', { className: 'about' }, `${review.access || ''} · ${left}${votes}`)));
}

// Keeps keyboard focus on the link that had it.
function redraw(key, ...children) {
  if (key === shown) return;
  shown = key;
  const focused = document.activeElement && document.activeElement.getAttribute('href');
  page.replaceChildren(...children.filter((child) => child !== null));
  const again = focused && [...page.querySelectorAll('a')].find((link) => link.getAttribute('href') === focused);
  if (again) again.focus();
}

function count(pending) {
  const badge = document.getElementById('pending-count');
  badge.textContent = String(pending);
  badge.hidden = pending === 0;
  document.title = pending ? `(${pending}) Holdpoint` : 'Holdpoint';
}

async function queue() {
  const waiting = await ask('/api/reviews?state=pending');
  const pending = waiting.reviews.filter((review) => review.state === 'pending');
  const decided = (await ask('/api/reviews')).reviews.filter((review) => review.state !== 'pending').slice(0, 5);
  count(waiting.pending);
  const minute = Math.floor(now() / 15000);
  redraw(`queue ${minute} ${waiting.pending} ${JSON.stringify([pending, decided])}`, element('h2', {}, 'Waiting for a decision'),
    pending.length ? element('ul', { className: 'list' }, pending.map(row))
      : element('p', { className: 'empty' }, 'Nothing waits. This page is live.'),
    waiting.pending > pending.length ? element('p', { className: 'quiet', id: 'more' },
      `${pending.length} of ${waiting.pending} are shown: those whose time ends first.`) : null,
    decided.length ? element('h3', {}, 'Lately') : null,
    decided.length ? element('ul', { className: 'list' }, decided.map(row)) : null);
}

async function history() {
  const { reviews, pending } = await ask('/api/reviews');
  count(pending);
  redraw(`history ${Math.floor(now() / 60000)} ${JSON.stringify(reviews)}`, element('h2', {}, 'History'),
    reviews.length ? element('ul', { className: 'list' }, reviews.map(row)) : element('p', { className: 'empty' }, 'No reviews yet.'));
}

async function decide(id, verdict, seconds) {
  const reason = document.getElementById('reason').value.trim();
  if (verdict === 'reject' && !reason) {
    document.getElementById('reason').focus();
    complain(new Error('Say why: the agent gets this text, and can act on it.'));
    return;
  }
  const buttons = [...page.querySelectorAll('.decide button')];
  buttons.forEach((button) => { button.disabled = true; });
  try {
    const body = { verdict, reason };
    if (seconds) body.for_s = seconds;
    await ask(`/api/reviews/${id}/votes`, body);
    complain(null);
    shown = '';
    await show();
  } catch (error) {
    complain(error);
    buttons.forEach((button) => { button.disabled = false; });
  }
}

function decisionBar(review) {
  const seconds = review.grant.kind === 'for' ? review.grant.for_s : 0;
  const choices = WINDOWS.filter(([length]) => length < seconds);
  if (seconds) choices.push([seconds, `${span(seconds * 1000)} (all that policy allows)`]);
  const window = element('select', { id: 'window', 'aria-label': 'for how long' },
    choices.map(([length, text]) => element('option', { value: String(length) }, text)));
  const id = review.review_id;
  return element('form', { className: 'decide', onsubmit: (event) => event.preventDefault() },
    element('label', {}, 'Reason (the agent reads it)',
      element('input', { id: 'reason', maxLength: 500, autocomplete: 'off', placeholder: 'needed to reject' })),
    element('button', { className: 'yes', type: 'button', id: 'approve', onclick: () => decide(id, 'approve') }, 'Approve once'),
    seconds ? element('button', { type: 'button', onclick: () => decide(id, 'approve', Number(window.value)) }, 'Approve for') : null,
    seconds ? window : null,
    element('button', { className: 'no', type: 'button', id: 'reject', onclick: () => decide(id, 'reject') }, 'Reject'));
}

function operations(list) {
  return list.length ? element('ul', { className: 'list' }, list.map((operation) => {
    const outcome = operation.outcome || operation.decision || '';
    const about = [operation.time, operation.resources, operation.status, operation.wait_ms > 0 ? `waited ${span(operation.wait_ms)}` : '',
      operation.reason].filter(Boolean).join(' · ');
    const inside = [element('span', { className: 'what' }, `${operation.service || ''}: ${operation.operation || ''}`),
      state(outcome), element('span', { className: 'about' }, about)];
    return element('li', {}, operation.review_id
      ? element('a', { className: 'row', href: `#/reviews/${operation.review_id}` }, inside)
      : element('div', { className: 'row' }, inside));
  })) : element('p', { className: 'empty' }, 'Nothing recorded yet.');
}

async function review(id) {
  const answer = await ask(`/api/reviews/${encodeURIComponent(id)}`);
  const it = answer.review;
  const key = `review ${JSON.stringify([it, answer.may_vote, answer.why_not])}`;
  if (key === shown) return;
  const draft = document.getElementById('reason');
  const reason = draft ? draft.value : '';
  const policy = it.policy || {};
  const terms = it.grant.kind === 'for' ? `once, or for up to ${span(it.grant.for_s * 1000)}` : 'once';
  const recent = element('div', {}, element('p', { className: 'quiet' }, 'Asking the log …'));
  redraw(key,
    element('h2', {}, `${it.service}: ${it.operation} `, state(it.state)),
    facts([['Who asks', it.principal], ['On behalf of', it.on_behalf_of], ['As role', it.role_arn], ['Target', `${it.target} ${it.region || ''}`],
      ['Resources', it.resources], ['Actions', it.actions], ['Access', it.access],
      ['Held by', `${policy.name || ''} ${policy.statement || ''}`], ['Because', policy.reason],
      ['Approvals', `${it.votes.filter((vote) => vote.verdict === 'approve').length} of ${it.required}, by ${it.reviewers.join(', ') || 'any reviewer'}`],
      ['Policy allows', terms], ['Asked', it.requested_at], ['Waits until', it.state === 'pending' ? it.expires_at : ''],
      ['Grant until', it.state === 'approved' ? it.grant_expires_at : '']]),
    element('h3', {}, 'Parameters'),
    element('pre', { tabIndex: 0 }, answer.parameters_text),
    it.parameters_note ? element('p', { className: 'quiet' }, it.parameters_note) : null,
    it.votes.length ? element('h3', {}, 'Votes') : null,
    it.votes.length ? facts(it.votes.map((vote) => [vote.reviewer, `${vote.verdict}${vote.reason ? `: ${vote.reason}` : ''}`])) : null,
    it.state === 'pending' ? (answer.may_vote ? decisionBar(it) : element('p', { className: 'quiet' }, `You cannot vote: ${answer.why_not}`)) : null,
    element('h3', {}, 'This session before'), recent,
    it.session_id ? element('p', {}, element('a', { href: `#/sessions/${it.session_id}` }, 'Replay the session')) : null);
  if (reason && document.getElementById('reason')) document.getElementById('reason').value = reason;
  if (!it.session_id) return;
  ask(`/api/sessions/${encodeURIComponent(it.session_id)}`)
    .then((log) => recent.replaceChildren(operations((log.operations || []).slice(0, 8))))
    .catch((error) => recent.replaceChildren(element('p', { className: 'quiet' }, error.message)));
}

async function sessions() {
  const answer = await ask('/api/sessions');
  redraw(`sessions ${JSON.stringify(answer)}`, element('h2', {}, 'Sessions'),
    element('ul', { className: 'list' }, (answer.sessions || []).map((session) => element('li', {},
      element('a', { className: 'row', href: `#/sessions/${session.session_id}` },
        element('span', { className: 'what' }, session.principal || session.session_id),
        element('span', {}, `${session.operations} calls, ${session.held || 0} held, ${session.denied || 0} denied`),
        element('span', { className: 'about' }, `${session.role_arn || ''} · since ${session.started_at || ''}`))))));
}

async function session(id) {
  const answer = await ask(`/api/sessions/${encodeURIComponent(id)}`);
  const list = (answer.operations || []).slice().sort((a, b) => String(a.time).localeCompare(String(b.time)));
  redraw(`session ${JSON.stringify(answer)}`, element('h2', {}, 'Session, as it happened'),
    element('p', { className: 'quiet' }, id), operations(list));
}

async function show() {
  const [, name, id] = location.hash.replace(/^#/, '').split('/');
  const pages = { reviews: review, history, sessions: id ? session : sessions };
  const current = { reviews: 'queue', history: 'history', sessions: 'sessions' }[name] || 'queue';
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.page === current) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  try {
    if (!me) {
      me = await ask('/api/me');
      document.getElementById('who').textContent = me.reviewer;
      document.getElementById('leave').hidden = false;
    }
    await (pages[name] || queue)(id);
    if (id) count((await ask('/api/reviews?state=pending')).pending);
    if (!page.querySelector('.decide button:disabled')) complain(null);
  } catch (error) {
    complain(error);
  }
}

function move(step) {
  const rows = [...page.querySelectorAll('a.row')];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(rows.length - 1, Math.max(0, at + step))].focus();
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const press = (id) => { const button = document.getElementById(id); if (button) button.focus(); };
  // a and r only go to the button: Enter decides, so that one slip of a key does not.
  const keys = { j: () => move(1), k: () => move(-1), q: () => { location.hash = '#/'; }, a: () => press('approve'),
    r: () => press('reject') };
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});
document.getElementById('leave').addEventListener('click', async () => {
  await ask('/api/leave', {}).catch(complain);
  me = null;
  location.reload();
});
window.addEventListener('hashchange', () => { shown = ''; complain(null); page.focus(); show(); });
(async function live() {
  if (!document.hidden) await show();
  setTimeout(live, POLL_MS);
})();
