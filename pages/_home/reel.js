// A small picture that plays by itself: see reel.py. Once through, a rest, and again, for as long as it is on the screen;
// who asks for no motion, here or in the system's settings, sees its end.
//
// Streamlit calls the default export at the start and again whenever the data or the theme change. So what belongs to
// one place on the page is kept in a WeakMap.

const REST = 3 // seconds that the end stays
const APART = 30 // ms between two drawings at least
const BARS = 0.3 // of the height, for the bars of an attack
const GAP = 10 // pixels between its two images
const [NEGATIVE, POSITIVE] = ["31,97,158", "199,80,0"] // ends of the signed scale, as in core/images/drawing.py
const [HEAT, MOST_BITS] = [0.64, 8] // opacity of the colour of surprise, at so many bits and more: as in writer.js

// A new kind of picture is one function here: called once for new data, it returns draw(pen, t), t from 0 to 1, where a
// pen has the context `to`, the size `w` and `h`, and the colours of the theme. `seconds`: how long it plays.
const KINDS = { curves, map, text, sheets, attack }
const SECONDS = { curves: 5, map: 9, text: 9, sheets: 10, attack: 7 }
const instances = new WeakMap()

export default function ({ parentElement, data }) {
  let self = instances.get(parentElement)
  if (!self) instances.set(parentElement, (self = create(parentElement)))
  accept(self, told(data))
  return () => {
    cancelAnimationFrame(self.frame)
    self.sizes.disconnect()
    self.views.disconnect()
    self.calm.onchange = null
    instances.delete(parentElement)
  }
}

function create(parent) {
  const canvas = parent.querySelector("canvas")
  const self = { canvas, to: canvas.getContext("2d"), pen: null, data: null, draw: null, seen: false, played: 0, last: null,
    frame: 0 }
  self.calm = matchMedia("(prefers-reduced-motion: reduce)")
  self.calm.onchange = () => go(self)
  self.sizes = new ResizeObserver(() => fit(self))
  self.sizes.observe(canvas)
  self.views = new IntersectionObserver(([entry]) => {
    self.seen = entry.isIntersecting
    go(self)
  })
  self.views.observe(canvas)
  return self
}

function accept(self, data) {
  const same = self.data?.kind === data.kind && self.data?.alt === data.alt
  self.data = data
  self.canvas.setAttribute("aria-label", data.alt)
  if (!same) [self.draw, self.played] = [KINDS[data.kind](data, () => paint(self)), 0]
  fit(self)
  go(self)
}

// Size and colours; both may have changed
function fit(self) {
  const { canvas } = self
  const { width, height } = canvas.getBoundingClientRect()
  if (!width || !self.data) return
  const scale = Math.min(devicePixelRatio || 1, 2)
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)]
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h]
  const style = getComputedStyle(canvas)
  const of = name => style.getPropertyValue(name).trim()
  self.pen = { to: self.to, w: width, h: height, scale, ink: style.color, paper: of("--paper"), muted: of("--quiet"),
    line: of("--line"), heat: of("--heat"), font: style.fontFamily, mono: of("--mono") }
  paint(self)
}

const still = self => !self.data.moving || self.calm.matches

function go(self) {
  cancelAnimationFrame(self.frame)
  self.last = null
  if (!self.data) return
  if (still(self) || !self.seen) return paint(self)
  const tick = now => {
    self.frame = requestAnimationFrame(tick)
    if (self.last !== null && now - self.last < APART) return
    self.played += self.last === null ? 0 : Math.min(now - self.last, 200) / 1000
    self.last = now
    if (self.played > SECONDS[self.data.kind] + REST) self.played = 0
    paint(self)
  }
  self.frame = requestAnimationFrame(tick)
}

function paint(self) {
  const { pen, to } = self
  if (!pen) return
  to.setTransform(pen.scale, 0, 0, pen.scale, 0, 0)
  to.clearRect(0, 0, pen.w, pen.h)
  to.globalAlpha = 1
  to.textAlign = "left"
  to.textBaseline = "alphabetic"
  self.canvas.dataset.painted = "yes"
  self.draw(pen, still(self) ? 1 : Math.min(self.played / SECONDS[self.data.kind], 1))
}

// Small tools

function write(pen, words, x, y, { size = 12, bold = false, color = pen.muted, align = "left", mono = false } = {}) {
  pen.to.font = `${bold ? 600 : 400} ${size}px ${mono ? pen.mono : pen.font}`
  pen.to.fillStyle = color
  pen.to.textAlign = align
  pen.to.fillText(words, x, y)
}

const ease = t => t * t * (3 - 2 * t)
const between = (a, b, t) => a + (b - a) * t
// Where t in [0, 1] stands among n frames: the frame, and how far it has gone to the next; the rest of its time it waits
function among(n, t, moving = 1) {
  const at = Math.min(t, 1) * (n - 1)
  const i = Math.min(Math.floor(at), n - 2)
  return [i, ease(Math.min((at - i) / moving, 1))]
}

// Curves that grow; thin lines are other seeds, grey dashes what the course reported

function curves({ lines, refs, top, last }) {
  return (pen, t) => {
    const { to, w, h } = pen
    const box = { left: 1, right: w - 66, top: 8, bottom: h - 20 }
    const x = i => between(box.left, box.right, i / last)
    const y = value => between(box.bottom, box.top, value / top)
    to.strokeStyle = pen.line
    to.lineWidth = 1
    stroke(to, [[box.left, box.bottom + 0.5], [box.right, box.bottom + 0.5]])
    const here = t * last
    write(pen, `epoch ${Math.floor(here)} of ${last}`, box.left, h - 4)
    to.strokeStyle = pen.muted
    to.setLineDash([4, 4])
    for (const ref of refs) stroke(to, [[box.left, y(ref)], [box.right, y(ref)]])
    to.setLineDash([])
    write(pen, "course", box.left, y(Math.max(...refs)) - 4, { size: 11 })
    to.lineJoin = to.lineCap = "round"
    for (const line of lines) {
      to.strokeStyle = to.fillStyle = line.color
      for (const [values, width, alpha] of [...line.seeds.map(seed => [seed, 1, 0.35]), [line.y, 2.5, 1]]) {
        const past = values.slice(0, Math.floor(here) + 1).map((value, i) => [x(i), y(value)])
        to.lineWidth = width
        to.globalAlpha = alpha
        stroke(to, [...past, [x(here), y(at(values, here))]])
      }
      const end = y(at(line.y, here))
      to.beginPath()
      to.arc(x(here), end, 4, 0, 7)
      to.fill()
      write(pen, line.name, w - 56, end - 2, { size: 13, bold: true, color: pen.ink })
      write(pen, `${Math.round(100 * line.y[Math.floor(here)])}\u202f%`, w - 56, end + 13, { size: 13, color: pen.ink })
    }
  }
}

function at(values, where) {
  const i = Math.min(Math.floor(where), values.length - 2)
  return between(values[i], values[i + 1], where - i)
}

function stroke(to, points) {
  to.beginPath()
  points.forEach(([x, y], i) => (i ? to.lineTo(x, y) : to.moveTo(x, y)))
  to.stroke()
}

// A map whose points move from layout to layout

function map({ labels, frames, colors, names }) {
  const classes = bytes(labels)
  const places = frames.map(frame => new Uint16Array(bytes(frame).buffer))
  return ({ to, w, h, ...pen }, t) => {
    const [i, f] = among(frames.length, t, 0.8)
    const side = Math.min(w - 8, h - 8)
    const [left, top] = [(w - side) / 2, (h - side) / 2]
    const size = Math.max(2, side / 70)
    to.globalAlpha = 0.8
    colors.forEach((color, k) => {
      to.fillStyle = color
      for (let p = 0; p < classes.length; p++) {
        if (classes[p] !== k) continue
        const x = between(places[i][2 * p], places[i + 1][2 * p], f) / 65535
        const y = between(places[i][2 * p + 1], places[i + 1][2 * p + 1], f) / 65535
        to.fillRect(left + x * side - size / 2, top + y * side - size / 2, size, size)
      }
    })
    to.globalAlpha = 1
    write({ to, ...pen }, names[f > 0.5 ? i + 1 : i], 1, h - 4)
  }
}

// Text as it is written, each character coloured by how much it surprised the network

function text({ text, prime, surprise }) {
  let laid = null
  return (pen, t) => {
    const { to, w, h } = pen
    const size = w > 260 ? 14 : 12
    const line = Math.round(1.5 * size)
    to.font = `400 ${size}px ${pen.mono}`
    const step = to.measureText("m").width
    const key = `${Math.floor(w / step)} ${Math.floor(h / line)}`
    if (laid?.key !== key) laid = { key, ...lay(text, Math.floor(w / step), Math.floor(h / line)) }
    const shown = Math.max(prime, Math.round(between(prime, laid.places.length, t)))
    for (let i = 0; i < shown; i++) {
      const [column, row] = laid.places[i]
      if (text[i] === "\n") continue
      const heat = i < prime ? 0 : Math.min(surprise[i] / MOST_BITS, 1)
      to.globalAlpha = HEAT * heat
      to.fillStyle = pen.heat
      to.fillRect(column * step, row * line + 1, step, line - 2)
      to.globalAlpha = 1
      const look = i < prime ? { size, mono: true, bold: true } : { size, mono: true, color: pen.ink }
      write(pen, text[i], column * step, (row + 0.72) * line, look)
    }
    if (t < 1 && shown < laid.places.length) {
      const [column, row] = laid.places[shown]
      to.fillStyle = pen.ink
      to.fillRect(column * step, row * line + 2, 2, line - 4)
    }
  }
}

// The column and row of every character for which there is room; words are not cut, and empty lines left out
function lay(text, columns, rows) {
  const places = []
  let [column, row] = [0, 0]
  for (const word of text.match(/\n+|[^\S\n]|[^\s]+/g)) {
    if (word[0] === "\n") {
      for (const _ of word) places.push([column, row])
      ;[column, row] = [0, row + 1]
    } else if (word.trim()) {
      if (column + word.length > columns && column) [column, row] = [0, row + 1]
      if (row < rows) for (const _ of word) places.push([column++, row])
    } else places.push(column && column < columns ? [column++, row] : [-1, row]) // none at the edges
    if (row >= rows) break
  }
  return { places }
}

// Two sheets of digits, through the iterations

function sheets({ sides, names, cols, rows, cell }, repaint) {
  const strips = sides.map(side => {
    const strip = new Image()
    strip.onload = repaint
    strip.src = side.strip
    return strip
  })
  return (pen, t) => {
    const { to, w, h } = pen
    const i = Math.min(Math.floor(t * names.length), names.length - 1)
    const wide = Math.min((w - 10) / 2, ((h - 40) * cols) / rows)
    const [tall, left] = [(wide * rows) / cols, (w - 2 * wide - 10) / 2]
    to.imageSmoothingEnabled = true
    to.imageSmoothingQuality = "high"
    sides.forEach(({ name, color }, k) => {
      const x = left + k * (wide + 10)
      to.fillStyle = color
      to.fillRect(x, 0, wide, 3)
      write(pen, name, x, 16, { bold: true, color: pen.ink })
      to.fillStyle = "#000"
      to.fillRect(x, 21, wide, tall)
      const [across, down] = [cols * cell, rows * cell]
      if (strips[k].naturalWidth) to.drawImage(strips[k], 0, i * down, across, down, x, 21, wide, tall)
    })
    write(pen, `iteration ${names[i]}`, left, tall + 36)
  }
}

// An image, its perturbation, and what the network says of both together

function attack({ images, side, probabilities, label, target, colors, epsilon }) {
  const pixels = bytes(images)
  const area = side * side
  const steps = probabilities.length
  const stages = Array.from({ length: steps }, (_, s) => pixels.subarray(s * area, (s + 1) * area))
  const tile = document.createElement("canvas")
  tile.width = tile.height = side
  const brush = tile.getContext("2d")
  const fill = colorOf => {
    const made = brush.createImageData(side, side)
    for (let p = 0; p < area; p++) made.data.set(colorOf(p), 4 * p)
    brush.putImageData(made, 0, 0)
  }
  return (pen, t) => {
    const { to, w, h } = pen
    const [s, f] = among(steps, t, 0.5)
    const now = Float32Array.from({ length: area }, (_, p) => between(stages[s][p], stages[s + 1][p], f))
    const size = Math.min((w - GAP) / 2, h * (1 - BARS) - 12)
    const left = (w - 2 * size - GAP) / 2
    to.imageSmoothingEnabled = false
    fill(p => [now[p], now[p], now[p], 255])
    to.drawImage(tile, left, 0, size, size)
    fill(p => {
      const change = (now[p] - stages[0][p]) / (255 * epsilon)
      return [...(change < 0 ? NEGATIVE : POSITIVE).split(",").map(Number), 255 * Math.min(Math.abs(change), 1)]
    })
    to.drawImage(tile, left + size + GAP, 0, size, size)
    to.strokeStyle = pen.line
    to.lineWidth = 1
    to.strokeRect(left + size + GAP + 0.5, 0.5, size - 1, size - 1)
    const shares = probabilities[s].map((p, k) => between(p, probabilities[s + 1][k], f))
    bars(pen, size + 10, shares, { [label]: colors[0], [target]: colors[1] })
  }
}

function bars(pen, top, shares, colors) {
  const { to, w, h } = pen
  const bottom = h - 16
  const wide = w / shares.length
  const likeliest = shares.indexOf(Math.max(...shares))
  shares.forEach((share, k) => {
    to.fillStyle = pen.line
    to.fillRect(k * wide + 2, bottom - 1, wide - 4, 1)
    to.fillStyle = colors[k] ?? pen.muted
    const tall = (bottom - top) * share
    to.fillRect(k * wide + 2, bottom - tall, wide - 4, tall)
    const said = k === likeliest
    write(pen, k, (k + 0.5) * wide, h - 3, { bold: said, color: said ? pen.ink : pen.muted, align: "center" })
  })
}
