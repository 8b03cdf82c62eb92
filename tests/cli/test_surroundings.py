#!/usr/bin/env python3
# cli/test_surroundings.py - closed descriptors, tiny stacks and limits, full pipes, odd environments, links.
# SPDX-License-Identifier: MIT
import stat

from kit import *

space = ref.preset("camvid")
rng = np.random.default_rng(8)
GOOD = tap.path("good")
for part in ("real", "syn"):
    for i in range(4):
        mask = random_mask(rng, space, (20, 30))
        write(f"{GOOD}/{part}/m/i{i}.png", png(mask))
        write(f"{GOOD}/{part}/l/i{i}.npy", npy(random_loss(rng, space, mask)))
L = ["--labels", "camvid"]
STATS = ["stats", *L, "--masks", "real/m", "--losses", "real/l", "-o", "s.json"]
FILTER = ["filter", *L, "--stats", "good.json", "--masks", "syn/m", "--losses", "syn/l", "-o", "f"]
RUN = ["run", *L, "--real-masks", "real/m", "--real-losses", "real/l", "--synthetic-masks", "syn/m",
       "--synthetic-losses", "syn/l", "--n-max", "1", "--seeds", "1:2", "-o", "all"]
result = run(*STATS[:-1], "good.json", cwd=GOOD)
tap.ok(result.code == 0, "statistics", result)
os.chmod(tap.path(), 0o755)


def fresh():
    folder = tap.path("fresh")
    subprocess.run(["chmod", "-R", "u+rwx", folder], stderr=subprocess.DEVNULL, check=False)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(GOOD, folder)
    return folder


def made(folder):
    """What a command made; what it remembers of its inputs names these very files."""
    return {name: data for name, data in tree(folder).items() if not name.endswith(".record")}


def shell(script, *arguments, **more):
    """The tool as "$0" of a shell's script, which sets the surroundings."""
    process = subprocess.Popen(["bash", "-c", script, TOOL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, **more)
    return Result(process)


def refused(result, code=4):
    """The exit code, and one line that says why."""
    lines = [line for line in result.err.splitlines(keepends=True) if not line.startswith("freemask: note: ")]
    return result.code == code and len(lines) == 1 and lines[0].startswith("freemask: ") and lines[0].endswith("\n")


CALM = {}
for name, command in (("stats", STATS), ("filter", FILTER), ("run", RUN)):
    folder = fresh()
    result = run(*command, cwd=folder)
    tap.ok(result.code == 0, f"{name}, undisturbed", result)
    CALM[name] = made(folder)
COMMANDS = {"stats": STATS, "filter": FILTER, "run": RUN}


def same_as_calm(script, what, **more):
    for name, command in COMMANDS.items():
        folder = fresh()
        result = shell(script, *command, cwd=folder, **more)
        tap.ok(result.code == 0 and made(folder) == CALM[name], f"{name} with {what}: the same files",
               f"{result}\n{sorted(set(made(folder).items()) ^ set(CALM[name].items()))[:3]}")


# ---- Descriptors -----------------------------------------------------------------------------------

for closed in ("<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- 2>&-", "<&- >&- 2>&-"):
    same_as_calm(f'"$0" "$@" {closed}', f"{closed} at its start")
# What fails says so, wherever its sentence goes: the journal's descriptor is not that of standard error.
folder = fresh()
write(f"{folder}/syn/l/i3.npy", b"broken")
result = shell('"$0" "$@" <&- >&- 2>&-', *FILTER, cwd=folder)
tap.ok(result.code == 3 and not [n for n in made(folder) if n.startswith("f/") and b"freemask:" in made(folder)[n]],
       "a sentence does not end in a journal", result)

for name, command in (("stats", STATS), ("filter", FILTER), ("run", RUN), ("--help", ["--help"]),
                      ("stats --help", ["stats", "--help"]), ("--version", ["--version"])):
    folder = fresh()
    result = shell('"$0" "$@" >/dev/full', *command, cwd=folder)
    tap.ok(refused(result) and "standard output" in result.err, f"{name} into a full device", result)
    result = shell('set -o pipefail; "$0" "$@" | sleep 0', *command, cwd=fresh())
    tap.ok(result.code in (0, 4) and (result.code == 0 or refused(result)), f"{name} into a closed pipe", result)

# ---- Limits ----------------------------------------------------------------------------------------

same_as_calm('ulimit -s 32; "$0" "$@" -j 2', "a stack of 32 KiB")
same_as_calm('ulimit -s unlimited 2>/dev/null || exit 0; "$0" "$@" -j 2', "a stack without end")
for limit in range(3, 16):
    for name, command in COMMANDS.items():
        folder = fresh()
        result = shell(f'ulimit -n {limit}; "$0" "$@" -j 2', *command, cwd=folder)
        good = made(folder) == CALM[name] if result.code == 0 else refused(result) or "shared libraries" in result.err
        tap.ok(good, f"{name} with {limit} descriptors (exit {result.code})", result)
for kib in (0, 1, 2, 4):
    for name, command in COMMANDS.items():
        folder = fresh()
        result = shell(f'ulimit -f {kib}; "$0" "$@"', *command, cwd=folder)
        good = made(folder) == CALM[name] if result.code == 0 else refused(result) and "too large" in result.err
        tap.ok(good and not [n for n in everything(folder) if n.endswith(".fm-part")],
               f"{name} with files of {kib} KiB at most (exit {result.code})", result)
if not os.environ.get("FREEMASK_TEST_NO_LIMIT"):
    wrong = []
    for mib in (8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64):
        for name, command in COMMANDS.items():
            folder = fresh()
            result = shell(f'ulimit -v {mib * 1024}; "$0" "$@" -j 2', *command, cwd=folder)
            loads = result.code != 127 and "shared" not in result.err and result.code not in (-11, 139) or mib > 14
            good = made(folder) == CALM[name] if result.code == 0 else refused(result)
            if loads and not good:
                wrong.append(f"{name} with {mib} MiB: {result}")
    tap.ok(not wrong, "address spaces from 8 to 64 MiB: the same files, or code 4 and a sentence", "\n".join(wrong))

# ---- The environment -------------------------------------------------------------------------------

same_as_calm('env -i "$0" "$@"', "no environment")
same_as_calm('HOME=/nowhere TMPDIR=/nowhere TZ=nowhere LC_ALL=xx_YY.nothing CDPATH=/ TERM= "$0" "$@"', "odd variables")
for name, command in COMMANDS.items():
    folder = fresh()
    absolute = [f"{folder}/{word}" if word.split("/")[0] in ("real", "syn", "good.json", "s.json", "f", "all") else word
                for word in command]
    gone = tap.path("gone")
    os.makedirs(gone, exist_ok=True)
    result = shell(f'cd {gone} && rmdir {gone} && "$0" "$@"', *absolute)
    tap.ok(result.code == 0 and made(folder).keys() == CALM[name].keys(), f"{name} in a folder that is gone", result)
    os.makedirs(gone, exist_ok=True)
    result = shell(f'cd {gone} && rmdir {gone} && "$0" "$@"', *command)
    tap.ok(refused(result), f"{name} with names in a folder that is gone", result)

# ---- Rights: root has them all -----------------------------------------------------------------------

if os.geteuid() == 0 and hasattr(os, "setresuid"):
    OTHER = {"user": 65534, "group": 65534, "extra_groups": []}
else:
    OTHER = {}
if os.geteuid() == 0 or os.environ.get("CI") is None:
    for name, command in COMMANDS.items():
        folder = fresh()
        os.chmod(folder, 0o555)
        result = shell('"$0" "$@"', *command, cwd=folder, **OTHER)
        tap.ok(refused(result) and made(folder) == made(GOOD), f"{name} in a folder that cannot be written", result)
        os.chmod(folder, 0o777)
        result = shell('umask 777; "$0" "$@"', *command, cwd=folder, **OTHER)
        # A file without rights is whole; a folder without rights takes no files.
        good = result.code == 0 if name == "stats" else refused(result)
        tap.ok(good, f"{name} with umask 777", result)
else:
    tap.skip("folders that cannot be written", "only root can be another user", excused=True)

# ---- Links -------------------------------------------------------------------------------------------

for link in (os.symlink, os.link):
    for name in ("filter.journal", ".freemask.lock"):
        folder = fresh()
        os.mkdir(f"{folder}/f")
        write(f"{folder}/precious", b"not a journal\n")
        link(f"{folder}/precious", f"{folder}/f/{name}")
        result = run(*FILTER, "--resume", cwd=folder)
        kept = read(f"{folder}/precious") == b"not a journal\n"
        tap.ok(kept and (result.code in (0, 2) or refused(result)), f"{name} made by {link.__name__} leads elsewhere",
               result)
folder = fresh()
os.mkdir(f"{folder}/f")
os.mkfifo(f"{folder}/f/filter.journal")
result = run(*FILTER, "--resume", cwd=folder)
tap.ok(result.code in (2, 4) and stat.S_ISFIFO(os.stat(f"{folder}/f/filter.journal").st_mode), "a pipe for a journal",
       result)
tap.done()
