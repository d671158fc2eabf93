// Search in pages that are opened as files: browsers refuse a Worker there, so its script runs in a hidden iframe instead.
// The theme would take such a shim from another host (mkdocs.yml, `extra.polyfills`).
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.started = new Promise((resolve) => {
        const frame = document.createElement("iframe")
        frame.hidden = true
        frame.srcdoc = "<body></body>"
        frame.onload = () => this.start(frame.contentWindow, String(url), resolve)
        document.body.append(frame)
      })
    }

    start(inside, url, resolve) {
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
      const script = inside.document.createElement("script")
      script.src = url
      script.onload = () => resolve(inside)
      inside.document.body.append(script)
    }

    postMessage(data) {
      this.started.then((inside) => inside.dispatchEvent(new MessageEvent("message", { data })))
    }

    terminate() {}
  }
}
