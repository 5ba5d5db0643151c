"""The wire test over sockets: N processes on loopback, each with one agent, which exchange bytes and nothing else.

`python -m agents.sockets PORT` is one process. It connects to who holds the game, learns where the others listen, and connects to
each of them; what it says to another goes straight there. From the game it gets a file with its agent, then in every step its own
observation, and answers with its action and what it has sent. Every frame is four bytes of length and so many bytes.
Only for one's own machine: nobody is asked who he is.
"""

import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import torch

from agents.split import LoneAgent
from agents.team import TalkingTeam
from agents.wire import Packed

HOST = "127.0.0.1"
PATIENCE = 300.0
"""Seconds after which silence is an error: processes that import torch start slowly on a busy machine."""
SEAT, STEP, REFUSAL = b"A", b"S", b"!"
_SENT = struct.Struct("!ddq")


class Sent(NamedTuple):
    """What agents have sent."""

    payload_bits: float = 0.0
    """Of messages, each once however many hear it."""
    control_bits: float = 0.0
    """Of what the graph had them broadcast, where somebody was there to hear."""
    bytes: int = 0
    """Of both, as they went over sockets, once for each who got them; lengths of frames aside."""


def put(to: socket.socket, frame: bytes) -> None:
    to.sendall(struct.pack("!I", len(frame)) + frame)


def take(source: socket.socket) -> bytes:
    """One frame. Raises ConnectionError where the other side has gone."""
    return _exactly(source, struct.unpack("!I", _exactly(source, 4))[0])


def _exactly(source: socket.socket, count: int) -> bytes:
    parts = []
    while count:
        part = source.recv(count)
        if not part:
            raise ConnectionError("the other process has closed the connection")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


class Processes:
    """N processes with an agent each, started and connected. A context manager: at its end they end.

    Teams take their seats one after the other, for starting processes takes longer than playing.
    """

    def __init__(self, agents: int) -> None:
        self._files = tempfile.TemporaryDirectory(prefix="commenv-wire-")
        self.sent = Sent()
        self._processes: list[subprocess.Popen] = []
        self._lines: list[socket.socket] = []
        try:
            with socket.create_server((HOST, 0)) as door:
                door.settimeout(PATIENCE)
                command = [sys.executable, "-m", "agents.sockets", str(door.getsockname()[1])]
                for _ in range(agents):
                    self._processes.append(subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}))
                for _ in range(agents):
                    self._lines.append(_patient(door.accept()[0]))
            ports = [int.from_bytes(take(line), "big") for line in self._lines]
            for index, line in enumerate(self._lines):
                put(line, struct.pack(f"!I{agents}I", index, *ports))
        except BaseException:
            self.close()
            raise

    def seat(self, team: TalkingTeam) -> None:
        """Split a team and give each process its own agent, as a file. Raises ValueError for another number of agents."""
        agents = team.split()
        if len(agents) != len(self._lines):
            raise ValueError(f"a team of {len(agents)} agents cannot sit in {len(self._lines)} processes")
        self._names, self.sent = [agent.name for agent in agents], Sent()
        for agent, line in zip(agents, self._lines, strict=True):
            path = Path(self._files.name) / f"{agent.index}.safetensors"
            agent.save(path)
            put(line, SEAT + str(path).encode())
        for line in self._lines:
            self._answer(line)

    def act(self, observations: Mapping[str, np.ndarray], fresh: bool) -> dict[str, tuple[int, ...]]:
        """One step of one game: to each agent its own observation [w]; of each its action. fresh: whether a game begins."""
        for name, line in zip(self._names, self._lines, strict=True):
            put(line, STEP + bytes([fresh]) + np.asarray(observations[name], "<f4").tobytes())
        actions, payload, control, count = {}, 0.0, 0.0, 0
        for name, line in zip(self._names, self._lines, strict=True):
            answer = self._answer(line)
            own = _SENT.unpack(answer[: _SENT.size])
            payload, control, count = payload + own[0], control + own[1], count + own[2]
            actions[name] = tuple(np.frombuffer(answer[_SENT.size :], "<i8").tolist())
        self.sent = Sent(self.sent.payload_bits + payload, self.sent.control_bits + control, self.sent.bytes + count)
        return actions

    @staticmethod
    def _answer(line: socket.socket) -> bytes:
        answer = take(line)
        if answer[:1] == REFUSAL:
            raise ValueError(answer[1:].decode())
        return answer[1:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        for line in self._lines:
            line.close()  # which is how a process knows that it is over
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._files.cleanup()


def _patient(line: socket.socket) -> socket.socket:
    line.settimeout(PATIENCE)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # frames are small and each is waited for
    return line


class Seat:
    """One process: its agent, its line to the game, and one to each other agent."""

    def __init__(self, port: int) -> None:
        with socket.create_server((HOST, 0)) as door:
            door.settimeout(PATIENCE)
            self.game = _patient(socket.create_connection((HOST, port), PATIENCE))
            put(self.game, door.getsockname()[1].to_bytes(2, "big"))
            told = take(self.game)
            self.index, *ports = struct.unpack(f"!{len(told) // 4}I", told)
            self.others: dict[int, socket.socket] = {}
            for other in range(self.index):  # who comes earlier opens the door, who comes later knocks
                self.others[other] = _patient(socket.create_connection((HOST, ports[other]), PATIENCE))
                put(self.others[other], bytes([self.index]))
            for _ in range(self.index + 1, len(ports)):
                line = _patient(door.accept()[0])
                self.others[take(line)[0]] = line
        self.game.settimeout(None)  # between steps the game may take its time; should it die, the line breaks
        self.agent: LoneAgent | None = None

    def serve(self) -> None:
        """Answer the game until it hangs up."""
        while True:
            try:
                asked = take(self.game)
            except ConnectionError:
                return
            try:
                if asked[:1] == SEAT:
                    self.agent = LoneAgent.load(asked[1:].decode())
                    put(self.game, SEAT)
                else:
                    put(self.game, STEP + self.step(bool(asked[1]), np.frombuffer(asked[2:], "<f4")))
            except (ValueError, OSError) as reason:
                put(self.game, REFUSAL + str(reason).encode())

    def step(self, fresh: bool, observation: np.ndarray) -> bytes:
        """See, talk in rounds, act: the action, and what was sent."""
        agent = self.agent
        if agent is None:
            raise ValueError("no agent sits here")
        agent.see(observation, fresh)
        payload = control = 0.0
        count = 0
        for _ in range(agent.plan.rounds):
            own = agent.control()
            for line in self.others.values():
                put(line, bytes([agent.present]) + _bytes(own))
            told = {other: take(line) for other, line in self.others.items()}
            present = {other: bool(frame[0]) for other, frame in told.items()}
            agent.told({other: frame[1:] for other, frame in told.items() if frame[1:]}, present)
            heard = sum(present.values())
            if own is not None and heard:
                control, count = control + own.payload_bits, count + heard * len(own.payload)
            message = agent.say()
            for listener in agent.listeners:
                put(self.others[listener], _bytes(message))
                count += len(_bytes(message))
            payload += message.payload_bits if message else 0.0
            agent.hear({speaker: take(self.others[speaker]) for speaker in agent.speakers})
        return _SENT.pack(payload, control, count) + np.asarray(agent.act(), "<i8").tobytes()


def _bytes(packed: Packed | None) -> bytes:
    return packed.payload if packed else b""


if __name__ == "__main__":
    torch.set_num_threads(1)
    Seat(int(sys.argv[1])).serve()
