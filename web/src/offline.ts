/** Before all else: what the Content-Security-Policy of the page does not stop is taken away. */

for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "RTCDataChannel", "RTCIceTransport", "WebTransport"]) {
  Reflect.deleteProperty(globalThis, name);
  Object.defineProperty(globalThis, name, { value: undefined, configurable: false, writable: false });
}
