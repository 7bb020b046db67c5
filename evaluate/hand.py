from train.command import ROOT

UNSEEN = ROOT / "artifacts" / "unseen"
