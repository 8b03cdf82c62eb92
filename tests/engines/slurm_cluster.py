# engines/slurm_cluster.py - a Slurm of its own: controller and nodes as processes on this machine, in a folder.
# SPDX-License-Identifier: MIT
"""Munge with a key and a socket of its own, a controller, and nodes of one CPU each that share this machine; no cgroups,
no systemd, no database. All of it ends with the `with` block."""
import getpass
import os
import signal
import socket
import subprocess
import time

CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# A task that is queued again waits until its credentials have expired: two minutes if nothing is said, five seconds at least.
AuthInfo=socket={top}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={top}/state
SlurmdSpoolDir={top}/%n
SlurmctldPidFile={top}/controller.pid
SlurmdPidFile={top}/%n.pid
SlurmctldLogFile={top}/controller.log
SlurmdLogFile={top}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=0,sched_interval=1,bf_interval=1
ReturnToService=2
KillWait=1
MinJobAge=3600
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def processes_with(variable):
    """The numbers of all processes whose environment has it."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if variable.encode() in file.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            pass
    return found


def status(process):
    """What /proc/N/stat has after the name, which begins with the state and the parent; "" if there is no such process."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].strip()
    except OSError:
        return ""


def shepherds_of(processes):
    """The slurmstepd of each, who would tell the controller how it ended. They hide their environment."""
    parents = {status(process).split()[1] for process in processes if status(process)}
    found = []
    for parent in parents:
        try:
            with open(f"/proc/{parent}/comm", encoding="utf-8") as file:
                if file.read().startswith("slurmstepd"):
                    found.append(int(parent))
        except OSError:
            pass
    return found


def kill(processes):
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Cluster:
    """top: a folder whose path is short (of a socket's path the system takes 107 characters)."""

    def __init__(self, top, nodes=("n0", "n1")):
        self.top, self.nodes, self.running = top, nodes, {}
        os.makedirs(os.path.join(top, "state"))
        os.chmod(top, 0o755)  # munge wants its socket where all may come
        host, ports = socket.gethostname().split(".")[0], free_ports(1 + len(nodes))
        rows = "\n".join(f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory=1000"
                         for node, port in zip(nodes, ports[1:]))
        with open(os.path.join(top, "slurm.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(top=top, host=host, ports=ports, user=getpass.getuser(), nodes=rows))
        self.environment = {**os.environ, "SLURM_CONF": os.path.join(top, "slurm.conf"), "FREEMASK_TEST_SLURM": top,
                            "PATH": os.environ["PATH"] + os.pathsep + "/usr/sbin"}

    def __enter__(self):
        try:
            with open(self.path("munge.key"), "wb") as file:
                file.write(os.urandom(128))
            os.chmod(self.path("munge.key"), 0o600)
            self._start("munge", ["munged", "--foreground", "--force"] + [
                f"--{what}={self.path('munge.' + name)}" for what, name in
                (("key-file", "key"), ("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))])
            self.wait(lambda: os.path.exists(self.path("munge.socket")), "munge's socket")
            self._start("controller", ["slurmctld", "-D"])
            for node in self.nodes:
                self.start_node(node)
            self.wait(lambda: self.ask("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split() == list(self.nodes), "nodes that are idle")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.running)):
            self.running[name].terminate()
        for process in self.running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        kill(processes_with(f"FREEMASK_TEST_SLURM={self.top}"))

    def path(self, name):
        return os.path.join(self.top, name)

    def _start(self, name, command):
        with open(self.path(name + ".out"), "ab") as out:
            self.running[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.environment)

    def start_node(self, node):
        self._start(node, ["slurmd", "-D", "-N", node])

    def lose_node(self, node):
        """All that runs there is gone at once; the controller is told so, as it would find out after SlurmdTimeout."""
        self.running.pop(node).kill()
        there = processes_with(f"SLURMD_NODENAME={node}")
        kill(shepherds_of(there) + there)
        self.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")

    def logs(self):
        """The ends of all logs, for a check that failed."""
        return subprocess.run(f"tail -n 8 {self.top}/*.log {self.top}/*.out", shell=True, capture_output=True, text=True).stdout

    def call(self, *command):
        """What a client prints; "" if it fails."""
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.environment).stdout

    def ask(self, *command):
        """What a client prints that the controller answers, which gives up where that is busy: then it is asked again."""
        def answer():
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.environment)
            return None if done.returncode else (done.stdout,)
        return self.wait(answer, f"answer to {' '.join(command)}")[0]

    def wait(self, reached, what, seconds=600, pause=0.1):
        """Until `reached` is true. The limit is for what hangs, not for a machine to be as fast as another."""
        end = time.monotonic() + seconds
        while not (found := reached()):
            if time.monotonic() > end:
                raise TimeoutError(f"no {what} within {seconds} s:\n{self.logs()}")
            time.sleep(pause)
        return found

    # ---- Jobs -------------------------------------------------------------------------------------
    def tasks(self, state=None):
        """[(number, name, state)] of all jobs and tasks of arrays, as squeue has them."""
        rows = self.ask("squeue", "-h", "-r", "-t", state or "all", "-o", "%i %j %T").splitlines()
        return [tuple(row.split()) for row in rows]

    def ended(self):
        """Whether nothing runs or waits."""
        return all(state in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT") for _, _, state in self.tasks())

    def restarts(self, task):
        """How many times a task was queued again."""
        words = self.ask("scontrol", "show", "job", task).split()
        return next((int(word[9:]) for word in words if word.startswith("Restarts=")), None)
