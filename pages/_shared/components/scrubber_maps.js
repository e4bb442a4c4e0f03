// Panel: maps of the same points, linked. What is hovered, brushed or clicked in one map shows in all of them, and as
// pictures below. A column is a network with its maps; a frame of the scrubber is a frame of every map that has several.

const BRUSH = 4 // px that the pointer moves before a click becomes a brush
const REACH = 9 // px from the pointer to the point that it means
const GLIDE = 220 // ms from one frame to the next

function maps(section) {
  const self = { section, panel: null, frame: 0, cells: [], hidden: new Set(), chosen: null, focus: null, hover: -1,
    store: new Map(), request: 0, tick: null, stream: null, motion: matchMedia("(prefers-reduced-motion: reduce)") }
  self.legend = section.appendChild(make("div", "legend"))
  self.grid = section.appendChild(make("div", "grid"))
  self.below = section.appendChild(make("div", "below"))
  self.tip = section.appendChild(make("div", "tip"))
  self.tip.append(make("div", "digit"), make("div", "lines"))
  self.tip.hidden = true
  self.below.setAttribute("aria-live", "polite")
  section.tabIndex = -1 // takes the focus of what was clicked and is gone, so that Escape is heard
  section.onkeydown = event => {
    if (event.key !== "Escape" || (!self.chosen && !self.focus)) return
    choose(self, null)
    event.stopPropagation()
  }
  return {
    draw(panel, frame) {
      accept_maps(self, panel)
      self.frame = frame
      place_maps(self)
      showFrame(self, false)
    },
    show(frame) {
      if (!self.panel) return
      self.frame = frame
      showFrame(self, true)
    },
  }
}

// Data

function accept_maps(self, panel) {
  if (panel === self.given) return
  self.given = panel
  panel = { ...panel, sprite: panel.sprite ?? self.panel?.sprite ?? "" } // null: the one that was sent before
  if (panel.stream !== self.stream) {
    self.store.clear()
    self.chosen = self.focus = null
    self.hover = -1
  }
  self.stream = panel.stream
  self.panel = panel
  self.labels = bytes(panel.labels)
  panel.columns.forEach((column, c) => {
    column.maps.forEach((map, m) => keep(self, `map ${c} ${m}`, map.frames, panel.from, coordinates))
    keep(self, `said ${c}`, column.said, panel.from, bytes)
    keep(self, `near ${c}`, column.near, panel.from, words)
  })
  const names = panel.classes.map((name, k) => {
    const chip = make("button", "class", name)
    chip.type = "button"
    chip.style.setProperty("--class", panel.colors[k])
    chip.setAttribute("aria-pressed", String(!self.hidden.has(k)))
    chip.title = "Show or hide this class"
    chip.onclick = () => {
      if (!self.hidden.delete(k)) self.hidden.add(k)
      chip.setAttribute("aria-pressed", String(!self.hidden.has(k)))
      paint(self)
    }
    return chip
  })
  const save = make("button", "save", "Save picture")
  save.type = "button"
  save.title = "Save the maps as they are now (PNG)"
  save.onclick = () => saveMaps(self)
  self.legend.replaceChildren(...names, save)
}

// The maps side by side on white, with their titles, as a file
function saveMaps(self) {
  const gap = 16
  const head = 30
  const size = Math.max(...self.cells.map(cell => cell.canvas.width))
  const sheet = Object.assign(document.createElement("canvas"), {
    width: self.cells.length * (size + gap) + gap, height: size + head + 2 * gap })
  const context = sheet.getContext("2d")
  context.fillStyle = getComputedStyle(self.section).getPropertyValue("--st-background-color") || "#fff"
  context.fillRect(0, 0, sheet.width, sheet.height)
  context.fillStyle = getComputedStyle(self.section).color
  context.font = "20px sans-serif"
  self.cells.forEach((cell, i) => {
    context.fillText(cell.title.innerText.replace(/\s+/g, " "), gap + i * (size + gap), head, size)
    context.drawImage(cell.canvas, gap + i * (size + gap), head + gap)
  })
  sheet.toBlob(blob => {
    const link = Object.assign(document.createElement("a"), { download: "maps.png", href: URL.createObjectURL(blob) })
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 1000)
  })
}

// What was sent earlier stays: a layout that grows sends its newest frames alone.
function keep(self, name, frames, from, read) {
  if (!frames) return self.store.delete(name)
  const old = self.store.get(name) ?? []
  if (frames.length === 1 && !from) old.length = 0
  frames.forEach((text, i) => {
    if (old[from + i]?.text !== text) old[from + i] = { text, get value() { return (this.read ??= read(text)) } }
  })
  self.store.set(name, old)
}

// A list of one frame holds for all; a frame that never came is that of the nearest one before it.
function stored(self, name, frame) {
  const frames = self.store.get(name)
  if (!frames) return null
  for (let i = Math.min(frame, frames.length - 1); i >= 0; i--) if (frames[i]) return frames[i].value
  return frames.find(Boolean)?.value ?? null
}

function words(text) {
  return new Uint16Array(bytes(text).buffer)
}

function coordinates(text) {
  return Float32Array.from(words(text), value => value / 65535)
}

// Places on the screen

function place_maps(self) {
  const { panel, section, grid } = self
  const count = panel.columns.reduce((sum, column) => sum + column.maps.length, 0)
  const room = { width: section.clientWidth, height: section.clientHeight - self.legend.offsetHeight
    - self.below.offsetHeight - 12 }
  const stacked = section.parentElement.classList.contains("stacked")
  const best = stacked ? { cols: 2, size: (room.width - 10) / 2 } : roomiest(count, room, panel.grid)
  grid.style.gridTemplateColumns = `repeat(${best.cols}, minmax(0, 1fr))`
  section.style.height = stacked ? "auto" : section.style.height
  while (self.cells.length > count) self.cells.pop().root.remove()
  let i = 0
  panel.columns.forEach((column, c) => column.maps.forEach((map, m) => {
    const cell = (self.cells[i] ??= newCell(self))
    Object.assign(cell, { column: c, map: m, name: `map ${c} ${m}`, size: Math.max(60, Math.floor(best.size)) })
    cell.root.dataset.side = column.side
    fillCell(cell, column, map)
    i++
  }))
}

const WORDS = 62 // px of a map's title and notes

function roomiest(count, { width, height }, wanted) {
  let best = { size: 0, cols: 1 }
  for (let cols = 1; cols <= count; cols++) {
    const rows = Math.ceil(count / cols)
    const size = Math.min((width - 14 * (cols - 1)) / cols, (height - 6 * (rows - 1)) / rows - WORDS)
    if (size > best.size && (wanted ? cols === wanted : count % cols === 0)) best = { size, cols }
  }
  return best
}

function newCell(self) {
  const root = self.grid.appendChild(make("div", "map"))
  const title = root.appendChild(make("div", "title"))
  const canvas = root.appendChild(make("canvas"))
  const note = root.appendChild(make("div", "note"))
  const cell = { root, title, canvas, note, now: null, goal: null, brush: null, down: null }
  canvas.setAttribute("role", "img")
  canvas.onpointerdown = event => {
    if (event.button) return
    cell.down = at(cell, event)
    canvas.setPointerCapture(event.pointerId)
  }
  canvas.onpointermove = event => moved(self, cell, at(cell, event))
  canvas.onpointerup = event => released(self, cell, at(cell, event))
  canvas.onpointercancel = () => { cell.down = cell.brush = null; paint(self) }
  canvas.onpointerleave = () => cell.down || hover(self, -1)
  return cell
}

function fillCell(cell, column, map) {
  const chip = make("span", `chip ${column.side}`, column.side)
  cell.title.replaceChildren(...(column.side ? [chip] : []), make("b", "", map.title), make("span", "what"))
  cell.canvas.style.width = cell.canvas.style.height = `${cell.size}px`
  const pixels = Math.round(cell.size * devicePixelRatio)
  if (cell.canvas.width !== pixels) cell.canvas.width = cell.canvas.height = pixels
  cell.notes = map.notes
  cell.root.style.setProperty("--size", `${cell.size}px`)
}

// Frames

function showFrame(self, glide) {
  const start = performance.now()
  for (const cell of self.cells) {
    const goal = stored(self, cell.name, self.frame)
    if (goal === cell.goal) continue
    const fits = cell.now && goal && cell.now.length === goal.length
    cell.from = fits && glide && !self.motion.matches ? Float32Array.from(cell.now) : null
    cell.goal = goal
    if (!cell.from) cell.now = goal && Float32Array.from(goal)
  }
  for (const cell of self.cells) {
    const what = titleOf(self, cell.column)
    cell.title.lastChild.textContent = what
    cell.canvas.setAttribute("aria-label", `${self.panel.columns[cell.column].maps[cell.map].title}, ${what}`)
    const note = cell.notes[Math.min(Math.max(0, self.frame - (cell.notes.length > 1 ? self.panel.from : 0)), cell.notes.length - 1)] ?? []
    if (cell.noted !== note) cell.note.replaceChildren(...note.map((line, i) => make("div", i ? "reading" : "", line)))
    cell.noted = note
  }
  cancelAnimationFrame(self.request)
  const step = time => {
    const share = Math.min(1, Math.max(0, (time - start) / GLIDE))
    for (const cell of self.cells) {
      if (!cell.from) continue
      for (let i = 0; i < cell.now.length; i++) cell.now[i] = cell.from[i] + (cell.goal[i] - cell.from[i]) * share
      if (share === 1) cell.from = null
    }
    paint(self)
    if (self.cells.some(cell => cell.from)) self.request = requestAnimationFrame(step)
  }
  if (self.cells.some(cell => cell.from)) self.request = requestAnimationFrame(step)
  else paint(self)
  below(self)
}

function titleOf(self, column) {
  const { titles } = self.panel.columns[column]
  return titles[Math.min(Math.max(0, self.frame - (titles.length > 1 ? self.panel.from : 0)), titles.length - 1)] ?? ""
}

// Drawing

function paint(self) {
  for (const cell of self.cells) drawMap(self, cell)
}

const PAD = 8 // px around the points

function spot(cell, i) {
  const room = cell.size - 2 * PAD
  return [PAD + room * cell.now[2 * i], PAD + room * cell.now[2 * i + 1]]
}

function drawMap(self, cell) {
  const { panel, labels } = self
  const context = cell.canvas.getContext("2d")
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0)
  context.clearRect(0, 0, cell.size, cell.size)
  if (!cell.now) return
  const count = Math.min(panel.count, cell.now.length / 2)
  const radius = Math.max(1.3, Math.min(3, cell.size / (count > 4000 ? 200 : 125)))
  const picked = self.chosen ?? (self.focus ? kin(self, cell) : null)
  for (const strong of picked ? [false, true] : [true]) {
    context.globalAlpha = strong ? 0.85 : 0.13
    panel.colors.forEach((color, k) => {
      if (self.hidden.has(k)) return
      context.fillStyle = color
      context.beginPath()
      for (let i = 0; i < count; i++) {
        if (labels[i] !== k || (picked && picked.has(i) !== strong)) continue
        const [x, y] = spot(cell, i)
        const r = picked && strong ? radius + 1 : radius
        context.moveTo(x + r, y)
        context.arc(x, y, r, 0, 7)
      }
      context.fill()
    })
  }
  context.globalAlpha = 1
  const ink = getComputedStyle(self.section).color
  for (const [mark, colour] of (panel.columns[cell.column].maps[cell.map].marks ?? []).map(mark => [mark, ink])) {
    star(context, cell, mark, colour)
  }
  for (const i of new Set([self.focus?.index ?? -1, self.hover])) if (i >= 0) ring(context, spot(cell, i), ink)
  if (cell.brush) {
    const [x0, y0, x1, y1] = cell.brush
    context.strokeStyle = ink
    context.setLineDash([5, 4])
    context.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0))
    context.setLineDash([])
  }
}

function ring(context, [x, y], ink) {
  context.strokeStyle = ink
  context.lineWidth = 2
  context.beginPath()
  context.arc(x, y, 6, 0, 7)
  context.stroke()
  context.lineWidth = 1
}

// The viewer's own image: a cross in a ring, larger than any point
function star(context, cell, [u, v], ink) {
  const room = cell.size - 2 * PAD
  const [x, y] = [PAD + room * u, PAD + room * v]
  ring(context, [x, y], ink)
  context.strokeStyle = ink
  context.lineWidth = 2.5
  context.beginPath()
  for (const [dx, dy] of [[1, 0], [0, 1]]) {
    context.moveTo(x - 13 * dx, y - 13 * dy)
    context.lineTo(x + 13 * dx, y + 13 * dy)
  }
  context.stroke()
  context.lineWidth = 1
}

// Pointing

function at(cell, event) {
  const box = cell.canvas.getBoundingClientRect()
  return [event.clientX - box.left, event.clientY - box.top]
}

function pointAt(self, cell, [x, y]) {
  let best = -1
  let reach = REACH ** 2
  if (!cell.now) return best
  for (let i = 0; i < self.panel.count; i++) {
    if (self.hidden.has(self.labels[i])) continue
    const [px, py] = spot(cell, i)
    const far = (px - x) ** 2 + (py - y) ** 2
    if (far < reach) [best, reach] = [i, far]
  }
  return best
}

function moved(self, cell, here) {
  if (!cell.down) return hover(self, pointAt(self, cell, here), cell)
  if (Math.hypot(here[0] - cell.down[0], here[1] - cell.down[1]) < BRUSH && !cell.brush) return
  cell.brush = [...cell.down, ...here]
  hover(self, -1)
  paint(self)
}

function released(self, cell, here) {
  const brush = cell.brush
  if (!cell.down) return
  cell.down = cell.brush = null
  if (!brush) {
    const i = pointAt(self, cell, here)
    return i < 0 ? choose(self, null) : look(self, i, cell)
  }
  const [low, high] = [0, 1].map(d => [Math.min(brush[d], brush[d + 2]), Math.max(brush[d], brush[d + 2])])
  const inside = new Set()
  for (let i = 0; i < self.panel.count; i++) {
    if (self.hidden.has(self.labels[i])) continue
    const [x, y] = spot(cell, i)
    if (x >= low[0] && x <= low[1] && y >= high[0] && y <= high[1]) inside.add(i)
  }
  choose(self, inside)
}

function hover(self, i, cell) {
  if (i === self.hover && i < 0) return
  self.hover = i
  self.tip.hidden = i < 0
  paint(self)
  if (i < 0) return
  picture(self, self.tip.firstChild, i)
  self.tip.lastChild.replaceChildren(...describe(self, i).map(line => make("div", "", line)))
  const [x, y] = spot(cell, i)
  const [box, map] = [self.section.getBoundingClientRect(), cell.canvas.getBoundingClientRect()]
  const width = self.tip.offsetWidth
  const left = map.left - box.left + x + 14
  self.tip.style.left = `${Math.max(0, left + width > box.width ? left - width - 28 : left)}px`
  self.tip.style.top = `${Math.max(0, map.top - box.top + y - 70)}px`
}

// Choosing

function choose(self, chosen) {
  self.chosen = chosen
  self.focus = null
  changed(self)
}

function look(self, index, cell) {
  self.focus = { index, column: cell.column, map: cell.map }
  self.chosen = null
  changed(self)
}

function changed(self) {
  self.hover = -1 // the picture that was under the pointer may be gone
  self.tip.hidden = true
  paint(self)
  below(self)
  self.section.focus({ preventScroll: true })
}

// Around the focus: its neighbours in the original space of its column, and in the map that was clicked.
function around(self) {
  const { index, column, map } = self.focus
  const near = stored(self, `near ${column}`, self.frame)
  const k = self.panel.k
  const original = near ? Array.from(near.subarray(index * k, (index + 1) * k)) : null
  return { original, plane: inPlane(self, stored(self, `map ${column} ${map}`, self.frame), index, k) }
}

function inPlane(self, places, index, k) {
  if (!places) return []
  const far = i => (places[2 * i] - places[2 * index]) ** 2 + (places[2 * i + 1] - places[2 * index + 1]) ** 2
  const all = Array.from({ length: self.panel.count }, (_, i) => [far(i), i]).filter(([, i]) => i !== index)
  return all.sort((a, b) => a[0] - b[0]).slice(0, k).map(([, i]) => i)
}

function kin(self) {
  const { original, plane } = around(self)
  return new Set([self.focus.index, ...(original ?? []), ...plane])
}
