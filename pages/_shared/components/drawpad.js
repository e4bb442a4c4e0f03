// The pad of drawpad.py: drawn at ten times the size, read as 28 x 28 mean values.
//
// Streamlit calls the default export at the start and again whenever the data or the theme change, in the middle of a
// stroke, too: what belongs to one pad is kept in a WeakMap, and handlers are assigned, not added.

const SIDE = 28 // pixels of the picture
const ZOOM = 10 // pixels of the canvas for one of the picture
const BRUSH = 22 // pixels of the canvas: the strokes of MNIST's digits are about two of its pixels wide
const FULL = SIDE * ZOOM
const pads = new WeakMap()

export default function ({ parentElement, data, setStateValue }) {
  let pad = pads.get(parentElement)
  if (!pad) pads.set(parentElement, (pad = create(parentElement)))
  pad.live = data.live
  pad.tell = () => setStateValue("pixels", `${pad.rev}:${pad.empty ? "" : read(pad)}`)
  if (data.rev !== pad.rev) load(pad, data) // what Python shows; otherwise the drawing here is newer than its data
  return () => {
    clearTimeout(pad.timer)
    pads.delete(parentElement)
  }
}

function create(parent) {
  const canvas = parent.querySelector("canvas")
  const ink = canvas.getContext("2d", { willReadFrequently: true })
  const [hint, clear] = [parent.querySelector(".hint"), parent.querySelector(".clear")]
  const pad = { canvas, ink, hint, clear, rev: null, pen: null, timer: null, empty: true }
  canvas.onpointerdown = event => start(pad, event)
  canvas.onpointermove = event => pad.pen?.id === event.pointerId && move(pad, event)
  canvas.onpointerup = canvas.onpointercancel = event => pad.pen?.id === event.pointerId && finish(pad)
  canvas.onkeydown = event => ["Delete", "Backspace"].includes(event.key) && wipe(pad, event)
  clear.onclick = event => wipe(pad, event)
  return pad
}

function start(pad, event) {
  if (event.button || pad.pen) return // one pen at a time
  pad.canvas.setPointerCapture(event.pointerId)
  pad.pen = { id: event.pointerId, at: place(pad, event) }
  dot(pad)
  move(pad, event)
}

function move(pad, event) {
  const fine = event.getCoalescedEvents?.() ?? [] // a fast pen moves more often than the screen is drawn
  for (const point of fine.length ? fine : [event]) stroke(pad, place(pad, point))
  fill(pad, false)
  if (pad.live != null && pad.timer === null) pad.timer = setTimeout(() => tell(pad), pad.live)
}

function finish(pad) {
  pad.pen = null
  tell(pad)
}

function tell(pad) {
  clearTimeout(pad.timer)
  pad.timer = null
  pad.tell()
}

function stroke(pad, to) {
  const { ink, pen } = pad
  Object.assign(ink, { strokeStyle: "#fff", lineWidth: BRUSH, lineCap: "round", lineJoin: "round" })
  ink.beginPath()
  ink.moveTo(...pen.at)
  ink.lineTo(...to)
  ink.stroke()
  pen.at = to
}

function dot({ ink, pen }) { // a stroke from a point to itself leaves none
  ink.fillStyle = "#fff"
  ink.beginPath()
  ink.arc(...pen.at, BRUSH / 2, 0, 2 * Math.PI)
  ink.fill()
}

function place(pad, event) {
  const box = pad.canvas.getBoundingClientRect()
  return [((event.clientX - box.left) * FULL) / box.width, ((event.clientY - box.top) * FULL) / box.height]
}

function wipe(pad, event) {
  event.preventDefault()
  if (pad.empty) return
  pad.pen = null
  black(pad)
  tell(pad)
}

function black(pad) {
  pad.ink.fillStyle = "#000"
  pad.ink.fillRect(0, 0, FULL, FULL)
  fill(pad, true)
}

function fill(pad, empty) {
  pad.empty = empty
  pad.hint.hidden = !empty
  pad.clear.disabled = empty
  const what = empty ? "empty" : "has a drawing; press Delete to clear it"
  pad.canvas.setAttribute("aria-label", `Drawing pad: draw with mouse, finger or pen. It ${empty ? "is " : ""}${what}.`)
}

function load(pad, data) {
  pad.rev = data.rev
  pad.pen = null
  clearTimeout(pad.timer)
  pad.timer = null
  black(pad)
  if (!data.pixels) return
  const bytes = atob(data.pixels)
  for (let i = 0; i < bytes.length; i++) {
    const grey = bytes.charCodeAt(i)
    pad.ink.fillStyle = `rgb(${grey} ${grey} ${grey})`
    pad.ink.fillRect(ZOOM * (i % SIDE), ZOOM * Math.floor(i / SIDE), ZOOM, ZOOM)
  }
  fill(pad, false)
}

// The mean of each block, in base64. (Letting the browser reduce the picture gives other pixels in each browser.)
function read(pad) {
  const { data } = pad.ink.getImageData(0, 0, FULL, FULL)
  const sums = new Float64Array(SIDE * SIDE)
  for (let row = 0; row < FULL; row++) {
    for (let col = 0; col < FULL; col++) {
      sums[SIDE * Math.floor(row / ZOOM) + Math.floor(col / ZOOM)] += data[4 * (FULL * row + col)]
    }
  }
  return btoa(Array.from(sums, sum => String.fromCharCode(Math.round(sum / ZOOM ** 2))).join(""))
}
