// Elements: for every component that is put together with this file

const SVG = "http://www.w3.org/2000/svg"

function make(name, className, text) {
  const element = document.createElement(name)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

function shape(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  if (text !== undefined) element.textContent = text
  return parent.appendChild(element)
}

// Python hears of a new place KEY_PAUSE after the last key, or as soon as something else is clicked: what a click changes
// would be undone by a place that came after it, with the settings of before.
const KEY_PAUSE = 300 // ms

function soon(self, send) {
  forget(self)
  const timer = setTimeout(() => send(self), KEY_PAUSE)
  const clicked = event => event.composedPath().includes(self.root) || send(self)
  addEventListener("click", clicked, { capture: true })
  self.pause = () => {
    clearTimeout(timer)
    removeEventListener("click", clicked, { capture: true })
  }
}

function forget(self) {
  self.pause?.()
  self.pause = null
}

// Pixels of the window's height that are left for a picture where the rest of the page needs `rest`; hand.js says how
// much of that it has hidden.
const spare = () => parseFloat(document.documentElement.style.getPropertyValue("--spare")) || 0
const left = rest => innerHeight - rest + spare()
const least = height => height + Math.min(0, spare()) // of a picture, where a lesson's step covers some of it
