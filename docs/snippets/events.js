// Prints what sounds and where: node events.js [SOCKET]
const net = require("node:net");
const readline = require("node:readline");

const path = process.argv[2] ?? "/run/tyto/events.sock";
readline.createInterface({ input: net.connect(path) }).on("line", (line) => {
  const event = JSON.parse(line);
  if (event.type !== "sound") return;
  const where = event.on_screen ? `${event.azimuth_deg.toFixed(1)}°` : "out of view";
  console.log(event.phase, event.label, where);
});
