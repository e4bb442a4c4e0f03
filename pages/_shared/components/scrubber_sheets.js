// Panel: sheets of small pictures, one a side. A frame of the scrubber is another sheet. The pictures come as PNGs and
// are decoded once each, the one on the screen first; from then on a frame costs one drawing a side.

const LARGE = 140 // px of the pictures under the pointer

function sheets(section, act) {
  const self = { section, act, panel: null, frame: 0, cells: [], hover: null, stream: null, awaited: null }
  self.row = section.appendChild(make("div", "row"))
  self.tip = section.appendChild(make("div", "tip"))
  self.tip.hidden = true
  return {
    draw(panel, frame) {
      self.frame = frame
      acceptSheets(self, panel)
      placeSheets(self)
    },
    show(frame) {
      if (!self.panel) return
      self.frame = frame
      showSheets(self)
    },
  }
}

// Data: sheets that were sent before stay, for as long as the stream has the same name.

function acceptSheets(self, panel) {
  if (panel === self.panel) return
  if (panel.stream !== self.stream) for (const cell of self.cells) forgetSheets(cell, 0)
  self.stream = panel.stream
  self.panel = panel
  while (self.cells.length < panel.sides.length) self.cells.push(newSheet(self))
  for (const cell of self.cells.splice(panel.sides.length)) cell.root.remove()
  panel.sides.forEach((side, i) => {
    const cell = self.cells[i]
    cell.side = side
    const pngs = side.shelved ? shelf.get(side.shelved) : side.pngs
    cell.root.classList.toggle("empty", !pngs?.length && !side.shelved && !side.from)
    cell.note.textContent = side.note
    const chip = make("span", `chip ${side.side}`, side.side)
    cell.head.replaceChildren(...(side.side ? [chip] : []), make("h3", "", side.title), make("span", "about"))
    if (!pngs) return awaitSheets(self)
    pngs.forEach((text, n) => {
      const place = side.from + n
      if (cell.store[place]?.text === text) return
      cell.store[place]?.bitmap?.close()
      cell.store[place] = { text, bitmap: null, loading: null }
    })
    forgetSheets(cell, side.from + pngs.length)
  })
  readAhead(self, panel)
}

// The sheets come apart from the panel, and perhaps after it.
function awaitSheets(self) {
  if (self.awaited) return
  self.awaited = () => {
    removeEventListener(SHELVED, self.awaited)
    const { panel } = self
    self.awaited = self.panel = null
    if (!self.section.isConnected) return
    acceptSheets(self, panel)
    placeSheets(self)
  }
  addEventListener(SHELVED, self.awaited)
}

function forgetSheets(cell, from) {
  for (const one of cell.store.splice(from)) one?.bitmap?.close()
}

function loadSheet(one) {
  one.loading ??= fetch(one.text).then(answer => answer.blob()).then(createImageBitmap)
    .then(bitmap => (one.bitmap = bitmap), () => null) // what is no picture stays black
  return one.loading
}

// All sheets in turn, so that scrubbing waits for none
async function readAhead(self, panel) {
  await new Promise(done => setTimeout(done, 50)) // the one on the screen comes first
  for (let n = 0; self.panel === panel && self.cells.some(cell => n < cell.store.length); n++) {
    await Promise.all(self.cells.map(cell => cell.store[n] && loadSheet(cell.store[n])))
  }
}

// Places

function newSheet(self) {
  const root = self.row.appendChild(make("div", "one"))
  const head = root.appendChild(make("header"))
  const canvas = root.appendChild(make("canvas"))
  const note = root.appendChild(make("p", "note"))
  const cell = { root, head, canvas, note, store: [], side: null, size: 0, shown: null }
  canvas.setAttribute("role", "img")
  canvas.onpointermove = event => pointAtSheet(self, cell, event)
  canvas.onpointerleave = () => pointAtSheet(self, null)
  canvas.onclick = event => {
    const i = pictureAt(self, cell, event)
    if (i < 0 || !self.panel.pick) return
    pointAtSheet(self, null)
    self.act.pick([cell.side.side, i])
  }
  return cell
}

function placeSheets(self) {
  const { section, panel, row } = self
  const stacked = !!section.closest(".stacked")
  section.style.height = stacked ? "auto" : section.style.height
  const count = panel.sides.length
  const gap = 14
  const cols = stacked ? Math.min(2, count) : count
  const wide = Math.floor((section.clientWidth - gap * (cols - 1)) / cols)
  const head = Math.max(...self.cells.map(cell => cell.head.offsetHeight + 6))
  const size = Math.max(60, stacked ? wide : Math.min(wide, Math.floor(section.clientHeight / Math.ceil(count / cols)) - head))
  row.style.gridTemplateColumns = `repeat(${cols}, ${size}px)`
  for (const cell of self.cells) {
    const pixels = Math.round(size * devicePixelRatio)
    cell.canvas.style.width = cell.canvas.style.height = `${size}px`
    cell.root.style.setProperty("--size", `${size}px`)
    if (cell.canvas.width !== pixels) cell.canvas.width = cell.canvas.height = pixels
    cell.size = size
    cell.shown = null
    cell.canvas.classList.toggle("pick", !!panel.pick)
  }
  showSheets(self)
}

// Frames

function showSheets(self) {
  for (const cell of self.cells) {
    const { side } = cell
    const one = sheetOf(cell, self.frame)
    const about = side.about[self.frame] ?? ""
    cell.head.lastChild.textContent = about
    cell.canvas.setAttribute("aria-label", `${self.panel.title}, ${[side.side, side.title, about].filter(Boolean).join(", ")}`)
    if (one?.bitmap) paintSheet(self, cell, one)
    else if (one) loadSheet(one).then(() => sheetOf(cell, self.frame) === one && paintSheet(self, cell, one))
  }
  if (self.hover) showTip(self)
}

// The sheet of a frame; where it never came, the nearest before it.
function sheetOf(cell, frame) {
  for (let n = cell.side.at[frame] ?? -1; n >= 0; n--) if (cell.store[n]) return cell.store[n]
  return null
}

function paintSheet(self, cell, one) {
  const context = cell.canvas.getContext("2d")
  if (cell.shown !== one) crisp(context, one.bitmap, cell.canvas.width)
  cell.shown = one
  const i = self.hover && (self.hover.cell === cell || self.panel.linked) ? self.hover.i : -1
  if (i < 0) return
  const step = cell.canvas.width / self.panel.cols
  const line = Math.max(2, Math.round(2 * devicePixelRatio))
  context.strokeStyle = "#ffe14d"
  context.lineWidth = line
  context.strokeRect((i % self.panel.cols) * step + line / 2, Math.floor(i / self.panel.cols) * step + line / 2,
    step - line, step - line)
  cell.shown = null // drawn over
}

// Every pixel of the picture a square of the same size: enlarged by a whole number, then reduced smoothly to the room.
let workbench = null

function crisp(context, bitmap, size) {
  const times = Math.max(1, Math.ceil(size / bitmap.width - 1e-3))
  context.imageSmoothingEnabled = false
  if (times * bitmap.width === size) return context.drawImage(bitmap, 0, 0, size, size)
  workbench ??= document.createElement("canvas").getContext("2d")
  const side = times * bitmap.width
  if (workbench.canvas.width !== side) workbench.canvas.width = workbench.canvas.height = side
  workbench.imageSmoothingEnabled = false
  workbench.drawImage(bitmap, 0, 0, side, side)
  context.imageSmoothingEnabled = true
  context.drawImage(workbench.canvas, 0, 0, side, side, 0, 0, size, size)
}

// Pointing

function pictureAt(self, cell, event) {
  if (!cell.store.length) return -1
  const box = cell.canvas.getBoundingClientRect()
  const [column, line] = [event.clientX - box.left, event.clientY - box.top].map(place =>
    Math.floor(place / cell.size * self.panel.cols))
  const inside = Math.min(column, line) >= 0 && Math.max(column, line) < self.panel.cols
  return inside && self.panel.cols > 1 ? line * self.panel.cols + column : -1
}

function pointAtSheet(self, cell, event) {
  const i = cell ? pictureAt(self, cell, event) : -1
  if (i < 0 ? !self.hover : self.hover?.cell === cell && self.hover.i === i) return
  self.hover = i < 0 ? null : { cell, i }
  self.tip.hidden = !self.hover
  for (const one of self.cells) one.shown = null
  showSheets(self)
}

// The picture under the pointer, large; beside it what the other side makes of the same z
function showTip(self) {
  const { cell, i } = self.hover
  const { cols } = self.panel
  const shown = self.panel.linked ? self.cells : [cell]
  const figures = shown.map(one => {
    const bitmap = sheetOf(one, self.frame)?.bitmap
    const figure = make("figure")
    const canvas = figure.appendChild(make("canvas"))
    canvas.width = canvas.height = LARGE
    if (bitmap) {
      const step = bitmap.width / cols
      const context = canvas.getContext("2d")
      context.imageSmoothingEnabled = false
      context.drawImage(bitmap, (i % cols) * step, Math.floor(i / cols) * step, step, step, 0, 0, LARGE, LARGE)
    }
    if (one.side.side) figure.append(make("span", `chip ${one.side.side}`, one.side.side))
    return figure
  })
  self.tip.replaceChildren(...figures, make("div", "lines", self.panel.hint))
  const [box, map] = [self.section.getBoundingClientRect(), cell.canvas.getBoundingClientRect()]
  const step = cell.size / cols
  const x = map.left - box.left + (i % cols) * step
  const y = map.top - box.top + Math.floor(i / cols) * step
  const { offsetWidth: width, offsetHeight: height } = self.tip
  const left = x + step + 8 + width > box.width ? x - width - 8 : x + step + 8
  self.tip.style.left = `${Math.max(0, left)}px`
  self.tip.style.top = `${Math.max(0, Math.min(y - height / 3, box.height - height))}px`
}
