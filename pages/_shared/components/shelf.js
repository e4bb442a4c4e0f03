// Keeps what it is given on the shelf (packing.js) and shows nothing. See shelf.py.

const kept = new WeakMap() // place on the page → what it has on the shelf
const text = bytes => new TextDecoder().decode(bytes)

export default function ({ parentElement, data }) {
  const end = data.indexOf("\n".charCodeAt()) // of the name
  const name = JSON.parse(text(data.subarray(0, end)))
  if (kept.get(parentElement)?.name !== name) {
    takeBack(parentElement)
    const content = JSON.parse(text(data.subarray(end + 1)))
    shelf.set(name, content)
    kept.set(parentElement, { name, content })
    dispatchEvent(new Event(SHELVED))
  }
  return () => takeBack(parentElement)
}

function takeBack(place) {
  const { name, content } = kept.get(place) ?? {}
  if (name !== undefined && shelf.get(name) === content) shelf.delete(name)
  kept.delete(place)
}
