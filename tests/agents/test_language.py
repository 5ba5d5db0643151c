"""A language model at play, for which a server on this machine stands in: answers, errors, delays, tokens."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

import numpy as np
import pytest

from agents.exact.steering import ID, BestPlanner
from agents.language import Endpoint, Language
from commenv.games.social.steering import Options
from commenv.interfaces.text import TextView
from experiments.evaluation import played


class Stub(BaseHTTPRequestHandler):
    """Answers as the test has told it to; what was asked is kept."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers.get("Authorization"), asked))
        code, answer, delay = self.server.answers.pop(0) if self.server.answers else (200, "0", 0)
        if callable(answer):
            answer = answer(asked)
        time.sleep(delay)
        usage = {"prompt_tokens": 7, "completion_tokens": 2}
        body = (
            answer
            if isinstance(answer, bytes)
            else json.dumps({"choices": [{"message": {"content": answer}}], "usage": usage}).encode()
        )
        try:
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # nobody waited
            pass

    def log_message(self, *words):
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    made.answers, made.asked = [], []
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def endpoint(server: HTTPServer, **fields) -> Endpoint:
    return Endpoint(f"http://127.0.0.1:{server.server_port}/v1", "stub", **{"wait": 0.0, **fields})


def say(text, code=200, delay=0.0):
    return code, text, delay


def test_a_model_plays_the_planner(server):
    """It is told the solver's policy and reads its level off the belief in the question: it plays as the solver does."""
    options = Options(max_cycles=3)
    best = BestPlanner(options)

    def level(asked):
        belief = float(asked["messages"][1]["content"].split(" is ")[2].split(". ")[0])
        nearest = np.abs(best.found.beliefs - belief).argmin()
        return f"I choose level {best.action[nearest]}"

    server.answers = [(200, level, 0)] * 500
    asked = endpoint(server, key="secret")
    found = played(Language(ID, options, asked, best), options, 8)
    assert found.reward == played(best, options, 8).reward
    path, key, question = server.asked[0]
    assert path == "/v1/chat/completions"
    assert key == "Bearer secret"
    assert question["model"] == "stub"
    assert asked.meter.prompt_tokens == 7 * asked.meter.calls == 7 * len(server.asked)
    assert asked.meter.completion_tokens == 2 * asked.meter.calls
    assert asked.meter.retries == 0
    assert "secret" not in repr(asked)


def test_what_passes_is_asked_again(server):
    server.answers = [say("", 503), say("", 429), say("3")]
    asked = endpoint(server)
    assert asked.ask([]) == "3"
    assert (asked.meter.calls, asked.meter.retries) == (3, 2)


def test_who_does_not_answer_in_time_is_asked_again(server):
    server.answers = [say("1", delay=2.5), say("2")]
    assert endpoint(server, timeout=2.0).ask([]) == "2"


def test_who_never_answers_is_given_up(server):
    server.answers = [say("", 500)] * 3
    with pytest.raises(ConnectionError, match="has not answered 3 times: HTTP 500"):
        endpoint(server).ask([])
    server.answers = [say("", 401)]
    with pytest.raises(ConnectionError, match="refuses: HTTP 401"):
        endpoint(server).ask([])
    with pytest.raises(ConnectionError, match="has not answered 1 times"):
        Endpoint("http://127.0.0.1:9/v1", "stub", retries=0, timeout=0.5).ask([])


@pytest.mark.parametrize("body", [b"no json", b"[]", b'{"choices": []}', b'{"choices": [{"message": {"content": 3}}]}'])
def test_what_is_no_completion_is_named(server, body):
    server.answers = [say(body)]
    with pytest.raises(ValueError, match="answers with no"):
        endpoint(server).ask([])


def test_an_answer_without_an_action_is_asked_for_again(server):
    options = Options()
    asked = endpoint(server, retries=1)
    model = Language(ID, options, asked, BestPlanner(options))
    server.answers = [say("the best one"), say("Level 4.")]
    assert model.choose(np.zeros(4)) == 4
    assert "from 0 to 4" in server.asked[1][2]["messages"][-1]["content"]
    assert asked.meter.retries == 1
    server.answers = [say("none"), say("9")]
    with pytest.raises(ValueError, match="answer='9'"):
        model.choose(np.zeros(4))


def test_words_for_both_seats():
    options = Options(crowd="learned", lying=True, planner="biased")
    planner, agent = TextView(ID, options), TextView(ID, options, "agent")
    assert planner.choices == 25
    assert "announce" in planner.rules()
    assert "0 or 1" in agent.rules()
    assert "0.2500" in planner.say(np.array([0.25, 0, 0, 1]))
    assert "says 1" in agent.say(np.array([0.25, 0.8, 0, 1]))
    assert agent.hear("I name 1.") == 1


@pytest.mark.parametrize("text", ["", "none", "5", "-1", "1.5 or so", "level2"])
def test_what_names_no_action_is_refused(text):
    with pytest.raises(ValueError, match="from 0 to 4"):
        TextView(ID, Options()).hear(text)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Endpoint("ftp://x", "m"), "url='ftp://x'"),
        (lambda: Endpoint("http://x", "m", timeout=0), "timeout=0"),
        (lambda: Endpoint("http://x", "m", retries=-1), "retries=-1"),
        (lambda: TextView("classic/hallway-v0", Options()), "told in words"),
        (lambda: TextView(ID, Options(), "agent"), "agent='agent'"),
        (lambda: TextView(ID, Options()).say(np.zeros(3)), "observation"),
    ],
)
def test_bad_input_is_named(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
