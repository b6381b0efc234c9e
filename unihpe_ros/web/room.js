'use strict';
// A room with people as lines, in perspective on a 2D canvas: it needs no WebGL and no library.

const START = { yaw: -0.5, pitch: 0.35, distance: 7 };
const TARGET_DEPTH = 3.5;  // What the view turns about is so far before the camera, m.
const GRID = 6;            // The floor reaches so far to each side, m.
const NEAR = 0.1;          // What is nearer to the eye is not drawn, m.
const EYE_HEIGHT = 1.4;    // Height of the camera over the floor until feet are seen, m.

function personColour(id) {
  // As in the drawn picture: turns by the golden ratio set neighbouring ids far apart.
  return `hsl(${Math.round((id * 0.618034 % 1) * 360)} 85% 68%)`;
}

class Room {
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.view = { ...START };
    this.scene = { people: [], bones: [], relative: false };
    this.floor = EYE_HEIGHT;
    this.pending = false;
    let last = null;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      last = [event.clientX, event.clientY];
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!last) return;
      this.view.yaw += (event.clientX - last[0]) * 0.008;
      this.view.pitch += (event.clientY - last[1]) * 0.006;
      this.view.pitch = Math.min(1.5, Math.max(-0.1, this.view.pitch));
      last = [event.clientX, event.clientY];
      this.redraw();
    });
    canvas.addEventListener('pointerup', () => { last = null; });
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      const wanted = this.view.distance * Math.exp(event.deltaY * 0.001);
      this.view.distance = Math.min(30, Math.max(1.5, wanted));
      this.redraw();
    }, { passive: false });
    canvas.addEventListener('dblclick', () => { this.view = { ...START }; this.redraw(); });
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  show(scene) {
    this.scene = scene;
    const lowest = this.people().flatMap((person) => person.points)
      .reduce((low, point) => point ? Math.max(low, point[1]) : low, -Infinity);
    if (Number.isFinite(lowest)) this.floor += 0.1 * (lowest - this.floor);
    this.redraw();
  }

  people() {
    // Whoever has no place in the room stands in a row.
    const { people, relative } = this.scene;
    if (!relative) return people;
    return people.map((person, index) => {
      const shift = 1.2 * (index - (people.length - 1) / 2);
      const moved = (point) => point && [point[0] + shift, point[1], point[2] + TARGET_DEPTH];
      return { ...person, points: person.points.map(moved) };
    });
  }

  redraw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => { this.pending = false; this.draw(); });
  }

  project(point) {
    // Camera frame: x right, y down, z ahead. Turned about the target, then put before the eye.
    const { yaw, pitch, distance } = this.view;
    const x = point[0], y = point[1] - this.floor + 0.9, z = point[2] - TARGET_DEPTH;
    const [c, s, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    const across = c * x + s * z, along = -s * x + c * z;
    const down = cp * y - sp * along;
    const depth = sp * y + cp * along + distance;
    const scale = this.focal / Math.max(depth, NEAR);
    return { x: this.middle[0] + across * scale, y: this.middle[1] + down * scale, depth, scale };
  }

  line(from, to, width, colour) {
    const a = this.project(from), b = this.project(to);
    if (a.depth < NEAR || b.depth < NEAR) return;
    const paper = this.paper;
    paper.strokeStyle = colour;
    paper.lineWidth = Math.max(1, width * (a.scale + b.scale) / 2);
    paper.beginPath();
    paper.moveTo(a.x, a.y);
    paper.lineTo(b.x, b.y);
    paper.stroke();
  }

  draw() {
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    if (!width || !height) return;
    if (this.canvas.width !== Math.round(width * ratio) ||
        this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    this.paper = this.canvas.getContext('2d');
    this.paper.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.paper.clearRect(0, 0, width, height);
    this.paper.lineCap = 'round';
    this.middle = [width / 2, height / 2];
    this.focal = 1.1 * Math.min(width, height);
    this.drawFloor();
    this.drawCamera();
    // Whoever is farther away is drawn first.
    const people = this.people().map((person) => ({ person, middle: this.middleOf(person) }))
      .filter((item) => item.middle)
      .sort((a, b) => this.project(b.middle).depth - this.project(a.middle).depth);
    for (const { person, middle } of people) this.drawPerson(person, middle);
  }

  middleOf(person) {
    const known = person.points.filter(Boolean);
    if (!known.length) return null;
    return [0, 1, 2].map((axis) => known.reduce((sum, p) => sum + p[axis], 0) / known.length);
  }

  drawFloor() {
    for (let i = -GRID; i <= GRID; i += 1) {
      for (let j = -GRID; j < GRID; j += 1) {
        const far = Math.max(Math.abs(i), Math.abs(j)) / GRID;
        const colour = `rgba(139, 150, 165, ${0.32 * (1 - far) + 0.04})`;
        const z = TARGET_DEPTH;
        this.line([i, this.floor, j + z], [i, this.floor, j + 1 + z], 0, colour);
        this.line([j, this.floor, i + z], [j + 1, this.floor, i + z], 0, colour);
      }
    }
  }

  drawCamera() {
    const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => [0.16 * x, 0.12 * y, 0.28]);
    corners.forEach((corner, index) => {
      this.line([0, 0, 0], corner, 0.008, '#8b96a5');
      this.line(corner, corners[(index + 1) % 4], 0.008, '#8b96a5');
    });
  }

  drawPerson(person, middle) {
    const colour = personColour(person.id), paper = this.paper;
    const shadow = this.project([middle[0], this.floor, middle[2]]);
    if (shadow.depth > NEAR) {
      const turn = Math.max(0.12, Math.sin(Math.max(this.view.pitch, 0)));
      paper.fillStyle = 'rgba(0, 0, 0, 0.4)';
      paper.beginPath();
      paper.ellipse(shadow.x, shadow.y, 0.3 * shadow.scale, 0.3 * turn * shadow.scale, 0, 0, 7);
      paper.fill();
    }
    for (const [parent, child] of this.scene.bones) {
      if (person.points[parent] && person.points[child]) {
        this.line(person.points[parent], person.points[child], 0.045, colour);
      }
    }
    let top = null;
    for (const point of person.points) {
      if (!point) continue;
      const at = this.project(point);
      if (at.depth < NEAR) continue;
      paper.fillStyle = '#f0f6fc';
      paper.beginPath();
      paper.arc(at.x, at.y, Math.max(1.2, 0.02 * at.scale), 0, 7);
      paper.fill();
      if (!top || at.y < top.y) top = at;
    }
    if (top) {
      paper.fillStyle = colour;
      paper.font = '600 14px system-ui, sans-serif';
      paper.textAlign = 'center';
      paper.fillText(String(person.id), top.x, top.y - 12);
    }
  }
}
