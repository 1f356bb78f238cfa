"""What leaves the house: a finished run as an Excel workbook, and as tables for a BI tool."""
