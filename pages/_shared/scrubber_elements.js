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

// Pixels of the window's height that are left for a picture where the rest of the page needs `rest`; hand.js says how
// much of that it has hidden.
const left = rest => innerHeight - rest + (parseFloat(document.documentElement.style.getPropertyValue("--spare")) || 0)
