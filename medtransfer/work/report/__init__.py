"""Reports that open in any browser, print well and need no network: one HTML file each."""

from __future__ import annotations

from medtransfer.work.report.documents import Reading, demo_report, evaluation_report, result_report

__all__ = ["Reading", "demo_report", "evaluation_report", "result_report"]
