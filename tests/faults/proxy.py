"""A TCP proxy that can be slow, mute or gone: the network between two processes of ours."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass

PIECE = 65_536


@dataclass
class Weather:
    """What the network does now. `delay`: seconds for each piece. `mute`: answers vanish while the
    connection stays. `lose_after`: the answer to a request with these bytes is lost, and the
    connection with it. `strand_at`: such a request itself is lost, the client is cut off and the
    server never hears of it. `lost` counts what was lost."""

    delay: float = 0.0
    mute: bool = False
    lose_after: bytes = b""
    strand_at: bytes = b""
    lost: int = 0


@dataclass(eq=False)
class _Pair:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    asked: bool = False
    stranded: bool = False

    def cut(self) -> None:
        self.client.transport.abort()
        if not self.stranded:
            self.server.transport.abort()


class Proxy:
    """Listens on a port of its own and leads to `port` of this machine."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.weather = Weather()
        self.port = 0
        self._pairs: set[_Pair] = set()
        self._stranded: list[_Pair] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="proxy")

    def start(self) -> "Proxy":
        self._thread.start()
        self._ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def goes_out_by(self, port: int) -> bool:
        """Whether one of its connections to the server leaves by this local port."""
        ways = [pair.server.get_extra_info("sockname") for pair in list(self._pairs)]
        return any(way and way[1] == port for way in ways)

    def fair(self) -> None:
        """The network works again: what hung in it is reset."""
        hung = self.weather.mute or self.weather.lose_after
        self.weather = Weather()
        if hung:
            self.cut()

    def cut(self) -> None:
        """Reset every connection on both sides."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for pair in list(self._pairs):
            pair.cut()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=200)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._leave(server))
        self._loop.close()

    async def _leave(self, server: asyncio.Server) -> None:
        server.close()
        self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.05)  # transports close in the loop's next turns

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, back)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._ask(pair, reader), self._answer(pair, there), return_exceptions=True
            )
        finally:
            self._pairs.discard(pair)
            pair.cut()

    async def _ask(self, pair: _Pair, reader: asyncio.StreamReader) -> None:
        try:
            await self._forward(pair, reader)
        finally:  # the client has left or was killed: the server hears of it, unless stranded
            if not pair.stranded:
                with suppress(OSError, RuntimeError):
                    pair.server.write_eof()

    async def _forward(self, pair: _Pair, reader: asyncio.StreamReader) -> None:
        while piece := await reader.read(PIECE):
            weather = self.weather
            if weather.delay:
                await asyncio.sleep(weather.delay)
            if weather.strand_at and weather.strand_at in piece:
                weather.lost += 1
                pair.stranded = True
                self._stranded.append(pair)
                pair.cut()
                return
            if weather.lose_after and weather.lose_after in piece:
                pair.asked = True
            pair.server.write(piece)
            await pair.server.drain()

    def release(self) -> None:
        """End what was left stranded: the servers' sides of connections without clients."""

        def end() -> None:
            for pair in self._stranded:
                pair.server.transport.abort()
            self._stranded.clear()

        self._loop.call_soon_threadsafe(end)

    async def _answer(self, pair: _Pair, there: asyncio.StreamReader) -> None:
        try:
            await self._forward_back(pair, there)
        finally:  # also when the server's side was reset: whoever waits for an answer must hear it
            pair.client.transport.abort()

    async def _forward_back(self, pair: _Pair, there: asyncio.StreamReader) -> None:
        while piece := await there.read(PIECE):
            weather = self.weather
            if weather.delay:
                await asyncio.sleep(weather.delay)
            if pair.asked:
                weather.lost += 1
                pair.cut()
                return
            if weather.mute:
                weather.lost += 1
                continue
            pair.client.write(piece)
            await pair.client.drain()
