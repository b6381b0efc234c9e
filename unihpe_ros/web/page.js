'use strict';
// Follows one camera: people by server-sent events, pictures as one endless image.

const SILENCE_MS = 2000;  // Without news for so long, images have stopped coming.
const RETRY_MS = 1500;
const UNITS = { latency: ' ms', age: ' s' };

const byId = (id) => document.getElementById(id);
const room = new Room(byId('room'));
const token = new URLSearchParams(location.search).get('token');
let source = null, camera = '', heard = 0, retry = 0;

function address(path) {
  const query = new URLSearchParams({ camera });
  if (token) query.set('token', token);
  query.set('at', String(Date.now()));  // A browser does not fetch the same image twice.
  return `${path}?${query}`;
}

function say(state, words) {
  if (document.body.dataset.state !== state) document.body.dataset.state = state;
  if (byId('state').textContent !== words) byId('state').textContent = words;
}

function connect() {
  disconnect();
  source = new EventSource(address('people'));
  source.onopen = () => {
    heard = 0;
    say('waiting', 'waiting for images');
    byId('stream').src = address('pictures');
  };
  source.onmessage = (event) => {
    heard = Date.now();
    say('live', 'live');
    show(JSON.parse(event.data));
  };
  source.onerror = () => {
    // A browser gives up on some errors: always begin anew.
    disconnect();
    say('disconnected', 'disconnected, trying again');
    retry = setTimeout(connect, RETRY_MS);
  };
}

function disconnect() {
  clearTimeout(retry);
  if (source) source.close();
  source = null;
  byId('stream').removeAttribute('src');
}

function show(scene) {
  room.show(scene);
  byId('hint').textContent = scene.relative
    ? 'no places are asked for (root_mode relative): people stand in a row'
    : (scene.assumed ? 'no calibration: places are about right \u00b7 ' : '')
      + 'drag to turn \u00b7 wheel to zoom \u00b7 double click to reset';
  fill(byId('figures'), Object.entries(scene.figures), ([name]) => name, (row, [name, value]) => {
    row.children[0].textContent = name;
    row.children[1].textContent = `${value}${UNITS[name] || ''}`;
  }, () => element('div', element('dt'), element('dd')));
  fill(byId('people'), scene.people, (person) => person.id, (row, person) => {
    row.children[0].style.background = personColour(person.id);
    row.children[1].textContent = `person ${person.id}`;
    row.children[2].textContent = details(person, scene);
  }, () => element('li', element('i'), element('b'), element('span')));
}

function details(person, { relative, assumed }) {
  const middle = room.middleOf(person);
  const seen = `${person.seen} of ${person.points.length} keypoints`;
  if (relative || !middle) return seen;
  return `${assumed ? '~' : ''}${Math.hypot(...middle).toFixed(1)} m \u00b7 ${seen}`;
}

function fill(list, items, keyOf, write, make) {
  const rows = new Map([...list.children].map((row) => [row.dataset.key, row]));
  for (const item of items) {
    const key = String(keyOf(item));
    const row = rows.get(key) || make();
    rows.delete(key);
    row.dataset.key = key;
    write(row, item);
    if (!row.parentNode) list.append(row);
  }
  for (const row of rows.values()) row.remove();
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

setInterval(() => {
  if (source && heard && Date.now() - heard > SILENCE_MS) {
    const seconds = Math.round((Date.now() - heard) / 1000);
    say('waiting', `no images for ${seconds} s`);
  }
}, 500);

// Who does not look costs nothing.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) disconnect(); else connect();
});

async function begin() {
  const select = byId('camera');
  try {
    const names = await (await fetch(address('cameras.json'))).json();
    camera = names[0];
    select.hidden = names.length < 2;
    for (const name of names) select.append(new Option(name, name));
  } catch {
    say('disconnected', 'disconnected, trying again');
    setTimeout(begin, RETRY_MS);
    return;
  }
  select.addEventListener('change', () => { camera = select.value; connect(); });
  connect();
}

begin();
