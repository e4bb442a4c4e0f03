// Keeps what it is given on the shelf (packing.js) and shows nothing. See shelf.py.

const kept = new WeakMap() // place on the page → what it has on the shelf

export default function ({ parentElement, data }) {
  const { name, content } = told(data)
  takeBack(parentElement)
  shelf.set(name, content)
  kept.set(parentElement, { name, content })
  dispatchEvent(new Event(SHELVED))
  return () => takeBack(parentElement)
}

function takeBack(place) {
  const { name, content } = kept.get(place) ?? {}
  if (name !== undefined && shelf.get(name) === content) shelf.delete(name)
  kept.delete(place)
}
