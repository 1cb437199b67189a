// The peer: socket.io 4 with its Redis adapter, one room, compression off. It stores nothing and asks nobody who they are.
const { createServer } = require("node:http");
const { createAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");
const { Server } = require("socket.io");

const [port, redisUrl] = process.argv.slice(2);

async function start() {
  const server = createServer();
  const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false, httpCompression: false, serveClient: false });
  if (redisUrl) {
    const publisher = createClient({ url: redisUrl });
    const subscriber = publisher.duplicate();
    await Promise.all([publisher.connect(), subscriber.connect()]);
    io.adapter(createAdapter(publisher, subscriber));
  }
  io.on("connection", (socket) => {
    socket.join("room");
    socket.on("say", (text) => io.to("room").emit("message", text));
  });
  server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
}

start();
