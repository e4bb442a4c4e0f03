// What packing.py has packed, unpacked. For every component that is put together with this file.

const read = new WeakMap() // Streamlit calls a component with the same bytes again where only the theme has changed

function told(packed) {
  if (!read.has(packed)) read.set(packed, JSON.parse(new TextDecoder().decode(packed)))
  return read.get(packed)
}

const bytes = text => Uint8Array.from(atob(text), char => char.charCodeAt(0))

// What shelf.py has sent: name → content, for all components of the page; the event says that something was added.
const shelf = (globalThis.explorerShelf ??= new Map())
const SHELVED = "explorer:shelved"
