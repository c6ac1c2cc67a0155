// One stream of changes for all pages of a browser that are of one session. As a
// shared worker it holds the stream for them; where there is none, a page takes
// guilingLive from here and holds its own while it is looked at.
"use strict";

(() => {
  const soon = 3000; // between the first attempts, in milliseconds
  const seldom = 30000; // between looks when there is no stream
  const rest = 60000; // a stream stays that long when nobody looks

  // open keeps a stream open and tells of it: {kind: "change", number, version, mine,
  // inbox}, {kind: "resync"} when whatever is shown is to be read anew, and
  // {kind: "end"} when the session has ended. Without a stream, after three
  // attempts, it tells to read anew from time to time.
  const open = (tell) => {
    let source = null;
    let timer = 0;
    let failures = 0;
    const close = () => {
      clearTimeout(timer);
      if (source) source.close();
      source = null;
    };
    const connect = () => {
      source = new EventSource("/live");
      source.addEventListener("resync", () => {
        failures = 0;
        tell({ kind: "resync" });
      });
      source.addEventListener("change", (e) => tell({ ...JSON.parse(e.data), kind: "change" }));
      source.addEventListener("end", () => {
        close();
        tell({ kind: "end" });
      });
      source.addEventListener("error", () => {
        close();
        failures++;
        if (failures >= 3) tell({ kind: "resync" });
        timer = setTimeout(connect, failures < 3 ? soon * failures : seldom);
      });
    };
    connect();
    return { close };
  };

  if (!("onconnect" in self)) {
    self.guilingLive = open;
    return;
  }

  const ports = new Map(); // whether somebody looks at the page of a port
  const recent = []; // changes of the stream, the oldest first
  let line = null;
  let resting = 0;
  let whole = 0; // nothing that came since then is missing here; 0: there is no stream

  const tell = (said) => {
    said.at = Date.now();
    if (said.kind === "change") {
      recent.push(said);
      if (recent.length > 200) whole = recent.shift().at + 1;
    } else {
      recent.length = 0;
      whole = said.kind === "resync" ? said.at : 0;
    }
    for (const port of ports.keys()) port.postMessage(said);
  };

  const adjust = () => {
    clearTimeout(resting);
    if ([...ports.values()].some((looks) => looks)) {
      line = line || open(tell);
    } else if (line) {
      resting = setTimeout(() => {
        line.close();
        line = null;
        whole = 0;
      }, rest);
    }
  };

  // A page that was asked for after the stream had begun is told what came since it
  // was asked for; any other reads itself anew.
  const welcome = (port, since) => {
    if (!whole) return;
    if (whole > since) {
      port.postMessage({ kind: "resync", at: Date.now() });
      return;
    }
    for (const said of recent) if (said.at >= since) port.postMessage(said);
  };

  self.addEventListener("connect", (e) => {
    const port = e.ports[0];
    port.addEventListener("message", ({ data }) => {
      if (data.kind === "bye") {
        ports.delete(port);
      } else {
        ports.set(port, data.kind !== "away");
        if (data.kind === "hello") welcome(port, data.since);
      }
      adjust();
    });
    port.start();
  });
})();
