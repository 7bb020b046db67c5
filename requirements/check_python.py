"""Print "ok" if the Python that runs this can make an environment, else one line with the reason and the mend.

Runs on any Python, however old. Arguments: the first and the last minor version allowed, such as `11 14`.
"""

import sys

first, last = int(sys.argv[1]), int(sys.argv[2])
allowed = "Python 3.%d" % first if first == last else "Python 3.%d to 3.%d" % (first, last)
mend = "install %s and say: make PYTHON=python3.%d (with the target)" % (allowed, last if first == last else 13)
here = "%s is Python %d.%d" % ((sys.executable or "python3",) + tuple(sys.version_info[:2]))

try:
    import ensurepip  # noqa: F401
    import venv  # noqa: F401

    complete = True
except ImportError:
    complete = False

if tuple(sys.version_info[:2]) < (3, first):
    print("%s: too old; %s" % (here, mend))
elif tuple(sys.version_info[:2]) > (3, last):
    print("%s: too new; %s" % (here, mend))
elif sys.maxsize < 2**32:
    print("%s for a 32-bit system: onnxruntime does not exist there; use a 64-bit system" % here)
elif not complete:
    print("%s without ensurepip: run `sudo apt install python3-venv`, or name another with make PYTHON=..." % here)
else:
    print("ok")
