@echo off
rem Installs digitpad @VERSION@ into a folder, without any network: install.bat FOLDER
rem Needs Python @PYTHON@ from python.org and nothing else.
py -@PYTHON@ -c "" 2>nul
if errorlevel 1 (
    echo install: this bundle is for Python @PYTHON@: install that, or make a bundle for the one that is here 1>&2
    exit /b 1
)
py -@PYTHON@ -I "%~dp0install.py" %*
