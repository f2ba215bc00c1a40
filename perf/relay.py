"""A relay for measurements: chappe-dataplane and chappe-control on one port, chappe-loadgen at its
other end. Used by perf/loss and perf/peers/run.

Kinds of port:
  memif      shared memory, the relay's side zero-copy: no kernel between generator and relay
  af_xdp     a veth pair of its own network namespace, the relay's end by XDP sockets
  af_packet  the same by packet sockets
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
RELAY4 = "198.18.0.2"
PORT = 4460
HUGEPAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")


class Trouble(Exception):
    """Something that a person has to mend; its text says what."""


def cpus():
    """The CPU for what is measured, and the one for what loads it."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise Trouble("two CPUs are needed: one for the relay, one for the generator")
    return allowed[1], allowed[0]


class Hugepages:
    """Takes hugepages from the kernel where too few are free; gives them back at the end."""

    def __init__(self, need_mib):
        self.before = None
        free = int((HUGEPAGES / "free_hugepages").read_text())
        missing = (need_mib + 1) // 2 - free
        if missing > 0:
            self.before = int((HUGEPAGES / "nr_hugepages").read_text())
            self.write(self.before + missing)
        if int((HUGEPAGES / "free_hugepages").read_text()) * 2 < need_mib:
            self.close()
            raise Trouble(f"{need_mib} MiB of hugepages of 2 MiB are needed, and the kernel has not as many")

    @staticmethod
    def write(n):
        try:
            (HUGEPAGES / "nr_hugepages").write_text(str(n))
        except OSError as error:
            raise Trouble(f"no right to set the number of hugepages: {error}") from error

    def close(self):
        if self.before is not None:
            self.write(self.before)
            self.before = None


def wait_for(what, seconds, condition, process=None, log=None):
    end = time.monotonic() + seconds
    while not condition():
        if process is not None and process.poll() is not None:
            raise Trouble(f"{what}: it ended\n{tail(log)}")
        if time.monotonic() > end:
            raise Trouble(f"{what}: not within {seconds} s\n{tail(log)}")
        time.sleep(0.02)


def tail(path, lines=15):
    if path is None or not path.exists():
        return ""
    return "\n".join("  | " + line for line in path.read_text(errors="replace").splitlines()[-lines:])


def urgent():
    """In a child before it runs: where the machine has other work, that waits for this process. A
    relay that is kept from its CPU says nothing."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -20)
        with open("/proc/self/autogroup", "w", encoding="ascii") as file:
            file.write("-20")
    except OSError:
        pass


def start(command, **more):
    return subprocess.Popen(list(map(str, command)), start_new_session=True, preexec_fn=urgent, **more)


def end(process, seconds=10):
    """Ends a process that we started."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Namespaces:
    """Network namespaces with names of our own, and the way back."""

    def __init__(self):
        self.names = []

    def add(self, name):
        full = f"chappe-{os.getpid()}-{name}"
        run("ip", "netns", "add", full)
        self.names.append(full)
        run("ip", "-n", full, "link", "set", "lo", "up")
        return full

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)
        self.names = []


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise Trouble(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Relay:
    def __init__(self, build, kind="memif", devices=64, options=(), memory_mib=192, rings=11,
            checksums=True):
        """options: of chappe-loadgen; rings: log2 of the descriptors of a memif; checksums: of UDP over IPv4."""
        self.build, self.kind, self.devices = build, kind, devices
        self.options, self.checksums = [*options, *([] if checksums else ["--no-checksum"])], checksums
        self.memory, self.rings = memory_mib, rings
        self.cpu, self.other_cpu = cpus()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="chappe-perf."))
        self.dataplane = self.control = self.loadgen = None
        self.pages = None
        self.namespaces = Namespaces()
        self.near = self.far = None  # of a veth: the relay's end, the generator's

    # ---- start ----

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def start(self):
        self.dir.chmod(0o711)
        for name in ("run", "state"):
            (self.dir / name).mkdir()
            shutil.chown(self.dir / name, "nobody", "nogroup")
        self.pages = Hugepages(self.memory + 160)
        if self.kind != "memif":
            self.make_link()
        self.write_configuration()
        run(self.build / "control/chappectl", "init", "--state", self.dir / "state", "--user", "nobody")
        self.control = self.spawn("control", ["taskset", "-c", str(self.other_cpu),
            self.build / "control/chappe-control", "--config", self.dir / "control.conf"])
        # Its socket is there a moment before it listens.
        wait_for("chappe-control starts", 30, lambda: "devices" in self.status(), self.control, self.dir / "control.log")
        self.start_loadgen()
        self.dataplane = self.spawn("dataplane", [self.build / "dataplane/chappe-dataplane",
            "--config", self.dir / "dataplane.conf", "--pid-file", self.dir / "dataplane.pid", "--",
            "--lcores", f"0@{self.other_cpu},1@{self.cpu}", "--no-pci", "--no-telemetry", "-m", str(self.memory),
            "--in-memory", "--single-file-segments", "--vdev", self.relay_vdev()], namespace=self.near)
        wait_for("chappe-dataplane starts", 30, lambda: (self.dir / "dataplane.pid").exists(),
            self.dataplane, self.dir / "dataplane.log")
        wait_for("chappe-control and chappe-dataplane are in step", 30,
            lambda: (self.status().get("dataplane") or {}).get("in_step"), self.control, self.dir / "control.log")
        self.tell("cpu-of " + ",".join(str(pid) for pid in self.pids()))

    def make_link(self):
        """A namespace for each end: net_af_packet's fanout group is PID xor interface, so that two
        processes started one after the other may have the same within one."""
        self.near, self.far = self.namespaces.add("relay"), self.namespaces.add("load")
        run("ip", "link", "add", "relay0", "netns", self.near, "type", "veth", "peer", "name", "load0", "netns", self.far)
        for namespace, name in ((self.near, "relay0"), (self.far, "load0")):
            run("ip", "netns", "exec", namespace, "sysctl", "-q", "-w", f"net.ipv6.conf.{name}.disable_ipv6=1")
            run("ip", "-n", namespace, "link", "set", name, "up")

    def relay_vdev(self):
        return {
            "memif": f"net_memif0,role=client,zero-copy=yes,rsize={self.rings},"
                     f"socket={self.dir}/memif.sock,socket-abstract=no",
            "af_xdp": "net_af_xdp0,iface=relay0",
            "af_packet": "net_af_packet0,iface=relay0",
        }[self.kind]

    def loadgen_vdev(self):
        if self.kind == "memif":
            return f"net_memif0,role=server,rsize={self.rings},socket={self.dir}/memif.sock,socket-abstract=no"
        return "net_af_packet0,iface=load0"

    def write_configuration(self):
        run_dir = self.dir / "run"
        (self.dir / "dataplane.conf").write_text(
            f"[relay]\naddress = {RELAY4}/24\nudp_port = {PORT}\n"
            f"udp_checksum = {'yes' if self.checksums else 'no'}\n[tables]\ndevices = {max(self.devices, 256)}\n"
            f"routes_per_device = 4\n[process]\nrun_dir = {run_dir}\nuser = nobody\n")
        (self.dir / "control.conf").write_text(
            f"[store]\nstate_dir = {self.dir}/state\n[dataplane]\nrun_dir = {run_dir}\n"
            f"[api]\nsocket = {run_dir}/control.sock\ngroup = nogroup\n[process]\nuser = nobody\n"
            f"[relay]\nname = {RELAY4}:{PORT}\nroutes_per_device = 4\nframes_per_s = 10000000\n"
            f"bytes_per_s = 10000000000\n")

    def spawn(self, name, command, namespace=None, **more):
        if namespace:
            command = ["ip", "netns", "exec", namespace] + command
        with open(self.dir / f"{name}.log", "ab") as log:
            more = {"stdout": log, "stdin": subprocess.DEVNULL, **more}
            return start(command, stderr=log, **more)

    def ctl(self, *arguments, **more):
        return run(self.build / "control/chappectl", "--socket", self.dir / "run/control.sock", *arguments, **more)

    def status(self):
        """What chappectl says, also while there is no dataplane; {} while nobody answers."""
        done = subprocess.run([self.build / "control/chappectl", "--socket", self.dir / "run/control.sock",
            "status", "--json"], capture_output=True, text=True, check=False)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {}

    # ---- use ----

    def start_loadgen(self):
        """It makes the memif's socket, which the relay joins; it waits for the relay."""
        invitations = self.dir / "invitations"
        invitations.write_text(self.ctl("invite", "--count", str(self.devices)))
        self.loadgen = self.spawn("loadgen", [self.build / "perf/loadgen/chappe-loadgen",
            "--invitations", invitations, "--trials", "--quiet", *self.options, "--",
            "--lcores", f"0@{self.other_cpu}", "--no-pci", "--no-telemetry", "--in-memory", "-m", "128",
            "--vdev", self.loadgen_vdev()], namespace=self.far, umask=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.kind == "memif":
            wait_for("chappe-loadgen starts", 30, (self.dir / "memif.sock").exists, self.loadgen,
                self.dir / "loadgen.log")

    def tell(self, line):
        self.loadgen.stdin.write(f"{line}\n".encode())
        self.loadgen.stdin.flush()

    def pids(self):
        """Of both processes of the relay."""
        control = self.control.pid  # taskset becomes chappe-control
        dataplane = int((self.dir / "dataplane.pid").read_text())
        return [dataplane, control]

    def trial(self, rate, seconds, cell=512, in_flight=0):
        """Offers a rate (frames a second, or "max"); returns what chappe-loadgen reports."""
        self.tell(f"{rate} {seconds} {cell} {in_flight}")
        line = self.loadgen.stdout.readline()
        if not line:
            raise Trouble(f"chappe-loadgen ended\n{tail(self.dir / 'loadgen.log')}")
        return json.loads(line)

    def stages(self, seconds, cell, in_flight):
        """{stage: cycles a frame} of the packet path while it is offered more than it can carry."""
        done = {}
        sample = threading.Thread(target=lambda: done.update(
            json.loads(self.ctl("stats", f"--stages={seconds}", "--json", preexec_fn=urgent))))
        sample.start()
        while sample.is_alive():  # both CPUs poll: it may have to wait for one
            self.trial("max", seconds / 2, cell, in_flight)
        sample.join()
        sums = [worker["stages"] for worker in done["workers"]]
        frames = sum(stages["tx"]["frames"] for stages in sums)
        return {stage: sum(stages[stage]["cycles"] for stages in sums) / max(1, frames)
            for stage in sums[0] if stage != "idle"}

    def counters(self):
        return json.loads(self.ctl("stats", "--json"))["total"]

    def close(self):
        if self.loadgen is not None:
            self.loadgen.stdin.close()
        for process in (self.loadgen, self.control, self.dataplane):
            end(process)
        self.namespaces.close()
        if self.pages is not None:
            self.pages.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __exit__(self, *exception):
        if exception[0] is not None:
            for name in ("dataplane", "control", "loadgen"):
                print(f"{name}.log:\n{tail(self.dir / (name + '.log'))}", file=sys.stderr)
        self.close()
