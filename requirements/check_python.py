"""Print "ok" if the Python that runs this can make an environment, else one line that says why and what to do.

Runs on any Python, however old. Arguments: the first and the last minor version of Python 3 allowed, and the targets
that make was given, such as `11 14 pad`.
"""

import sys

first, last, goals = int(sys.argv[1]), int(sys.argv[2]), " ".join(sys.argv[3:])
allowed = "Python 3.%d" % first if first == last else "Python 3.%d to 3.%d" % (first, last)
another = "make %s PYTHON=python3.%d" % (goals, min(last, 13))
here = "%s is Python %d.%d" % ((sys.executable or "python3",) + tuple(sys.version_info[:2]))

try:
    import ensurepip  # noqa: F401
    import venv  # noqa: F401

    complete = True
except ImportError:
    complete = False

if tuple(sys.version_info[:2]) < (3, first):
    print("%s: too old; install %s, then: %s" % (here, allowed, another))
elif tuple(sys.version_info[:2]) > (3, last):
    print("%s: too new; install %s, then: %s" % (here, allowed, another))
elif sys.maxsize < 2**32:
    print("%s for a 32-bit system: onnxruntime does not exist there; use a 64-bit system" % here)
elif not complete:
    print("%s without ensurepip: run `sudo apt install python3-venv`, or: %s" % (here, another))
else:
    print("ok")
