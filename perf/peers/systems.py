"""What perf/peers/run measures: other relays with their clients (peer_load), and Chappe with its
generator. Each is started, asked for windows of load, and ended."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from relay import Namespaces, Relay, Trouble, cpus, end, run, start, tail, wait_for  # noqa: E402

MESSAGE_BYTES = 448
WARM_UP_S, RESUME_S, STAGES_S = 0.3, 0.1, 0.5
LOADS = {"each": (256, 256), "streams": (16, 1024)}  # senders, messages under way in all


class Window:
    def __init__(self, cpu_ns, messages, seconds):
        if messages == 0:
            raise Trouble("no message arrived within a window")
        self.cpu_ns, self.messages, self.seconds = cpu_ns, messages, seconds
        self.cost_ns = cpu_ns / messages


class Peer:
    """A system that is started, loaded by peer_load and ended."""

    def __init__(self, options, load):
        self.options = options
        self.pairs, in_flight = LOADS[load]
        self.in_flight = in_flight // self.pairs
        self.cpu, self.other_cpu = cpus()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="chappe-peer."))
        self.namespaces = Namespaces()
        self.processes = []
        self.load = None

    def start(self, name, *command, ns, cpu=None, **more):
        log = self.dir / f"{name}.log"
        with open(log, "ab") as file:
            process = start(["ip", "netns", "exec", ns, "taskset", "-c",
                self.cpu if cpu is None else cpu, *command], stdin=subprocess.DEVNULL,
                stdout=file, stderr=file, **more)
        self.processes.append(process)
        return process

    def __enter__(self):
        try:
            arguments = self.open()
            command = ["taskset", "-c", self.other_cpu, self.options.build / "perf/peers/peer_load", *arguments,
                "--pairs", self.pairs, "--bytes", MESSAGE_BYTES, "--in-flight", self.in_flight,
                "--cpu-of", ",".join(str(process.pid) for process in self.measured)]
            if self.load_ns:
                command = ["ip", "netns", "exec", self.load_ns] + command
            with open(self.dir / "peer_load.log", "ab") as log:
                self.load = start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
            self.processes.append(self.load)
            self.answer()  # all pairs are connected, and messages arrive
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def answer(self):
        line = self.load.stdout.readline()
        if not line:
            raise Trouble(f"peer_load ended: {tail(self.dir / 'peer_load.log')}")
        return json.loads(line)

    def window(self):
        self.load.stdin.write(f"{self.options.seconds}\n")
        self.load.stdin.flush()
        found = self.answer()
        return Window(found["cpu_ns"], found["messages"], found["seconds"])

    def __exit__(self, *exception):
        if exception[0] is not None:
            for log in self.dir.glob("*.log"):
                print(f"{log.name}:\n{tail(log)}", file=sys.stderr)
        for process in reversed(self.processes):
            end(process)
        self.namespaces.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Coturn(Peer):
    PORT = 3478

    def open(self):
        self.load_ns = self.namespaces.add("turn")
        server = self.start("coturn", "turnserver", "-n", "--no-auth", "--no-tls", "--no-dtls", "--no-cli",
            "--no-tcp", "--no-tcp-relay", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1",
            "--listening-port", self.PORT, "--allow-loopback-peers", "--relay-threads", "1",
            "--log-file", "stdout", "--userdb", self.dir / "users", "--pidfile", self.dir / "pid",
            ns=self.load_ns)
        self.measured = [server]
        time.sleep(0.5)
        return ["turn", "--server", "127.0.0.1", "--port", self.PORT]


class WireGuard(Peer):
    """a -- hub -- b: the hub opens what a sent, routes it, and seals it for b."""

    PORT = 51820

    def open(self):
        self.load_ns = None
        names = {name: self.namespaces.add(name) for name in ("hub", "a", "b")}
        keys = {name: run("wg", "genkey").strip() for name in names}
        public = {name: run("wg", "pubkey", input=key).strip() for name, key in keys.items()}
        os.makedirs("/var/run/wireguard", exist_ok=True)
        for number, name in enumerate(("a", "b"), 1):
            run("ip", "link", "add", f"{name}0", "netns", names["hub"], "type", "veth",
                "peer", "name", "e0", "netns", names[name])
            self.address(names["hub"], f"{name}0", f"192.0.2.{16 * number + 1}/28")
            self.address(names[name], "e0", f"192.0.2.{16 * number + 2}/28")
        run("ip", "netns", "exec", names["hub"], "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        self.measured = [self.guard("hub", names, keys, "10.9.0.1/24")]
        self.guard("a", names, keys, "10.9.0.2/24")
        self.guard("b", names, keys, "10.9.0.3/24")
        for number, name in enumerate(("a", "b"), 1):
            self.set(names["hub"], f"wg{os.getpid()}hub", "peer", public[name], "allowed-ips", f"10.9.0.{number + 1}/32",
                "endpoint", f"192.0.2.{16 * number + 2}:{self.PORT}")
            self.set(names[name], f"wg{os.getpid()}{name}", "peer", public["hub"], "allowed-ips", "10.9.0.0/24",
                "endpoint", f"192.0.2.{16 * number + 1}:{self.PORT}", "persistent-keepalive", "5")
        return ["udp", "--server", "10.9.0.3", "--sender-ns", f"/run/netns/{names['a']}",
            "--recipient-ns", f"/run/netns/{names['b']}"]

    @staticmethod
    def address(ns, interface, address):
        run("ip", "-n", ns, "addr", "add", address, "dev", interface)
        run("ip", "-n", ns, "link", "set", interface, "up")

    @staticmethod
    def set(ns, interface, *arguments):
        run("ip", "netns", "exec", ns, "wg", "set", interface, *arguments)

    def guard(self, name, names, keys, address):
        interface = f"wg{os.getpid()}{name}"
        process = self.start(f"wireguard-{name}", "wireguard-go", "--foreground", interface, ns=names[name],
            cpu=self.cpu if name == "hub" else self.other_cpu, env={**os.environ, "LOG_LEVEL": "error"})
        socket = pathlib.Path("/var/run/wireguard") / f"{interface}.sock"
        wait_for(f"wireguard-go of {name} starts", 10, socket.exists, process, self.dir / f"wireguard-{name}.log")
        key = self.dir / f"{name}.key"
        key.touch(mode=0o600)
        key.write_text(keys[name])
        self.set(names[name], interface, "private-key", key, "listen-port", str(self.PORT))
        self.address(names[name], interface, address)
        run("ip", "-n", names[name], "link", "set", interface, "mtu", "1420")
        return process


class Nats(Peer):
    PORT = 4222

    def __init__(self, options, load, tls=False):
        super().__init__(options, load)
        self.tls = tls

    def open(self):
        self.load_ns = self.namespaces.add("nats")
        arguments = []
        if self.tls:
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2", "-subj", "/CN=localhost", "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem")
            arguments = ["--tls", "--tlscert", self.dir / "cert.pem", "--tlskey", self.dir / "key.pem"]
        server = self.start("nats", shutil.which("nats-server"), "--addr", "127.0.0.1", "--port", self.PORT, *arguments,
            ns=self.load_ns)
        self.measured = [server]
        wait_for("nats-server starts", 10, lambda: "Server is ready" in (self.dir / "nats.log").read_text(), server,
            self.dir / "nats.log")
        return ["nats", "--server", "127.0.0.1", "--port", self.PORT] + (["--tls"] if self.tls else [])


class Chappe(Relay):
    """The relay at saturation: there are always frames that it has not begun. It polls, and so does
    its generator: both are stopped while another system is measured."""

    def __init__(self, options, load, kind, checksums=True):
        pairs, self.in_flight = LOADS[load]
        # The generator opens one frame in 64, so that it is not what is measured; perf/loss opens more.
        super().__init__(options.build, kind, devices=2 * pairs, checksums=checksums,
            options=["--check", "64", "--drain", "50"])
        self.seconds = options.seconds

    def __enter__(self):
        super().__enter__()
        self.trial("max", WARM_UP_S, 512, self.in_flight)
        self.tell_all(signal.SIGSTOP)
        return self

    def tell_all(self, number):
        for pid in (*self.pids(), self.loadgen.pid):
            os.kill(pid, number)

    def window(self):
        self.tell_all(signal.SIGCONT)
        self.trial("max", RESUME_S, 512, self.in_flight)
        found = self.trial("max", self.seconds, 512, self.in_flight)
        self.tell_all(signal.SIGSTOP)
        return Window(found["cpu_ns"], found["returned_meanwhile"], found["seconds"])

    def where(self):
        self.tell_all(signal.SIGCONT)
        return self.stages(STAGES_S, 512, self.in_flight)

    def close(self):
        if self.loadgen is not None and self.dataplane is not None:
            try:
                self.tell_all(signal.SIGCONT)
            except (OSError, ValueError):
                pass  # it ended, or never began
        super().close()


SYSTEMS = {
    "coturn": Coturn,
    "wireguard_go": WireGuard,
    "nats": Nats,
    "nats_tls": lambda options, load: Nats(options, load, tls=True),
    "chappe_memif_unsummed": lambda options, load: Chappe(options, load, "memif", checksums=False),
    "chappe_af_xdp": lambda options, load: Chappe(options, load, "af_xdp"),
    "chappe_af_packet": lambda options, load: Chappe(options, load, "af_packet"),
}
