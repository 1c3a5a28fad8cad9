"""The paper's pictures, remade: plain data for claims.json, drawn by properties/pictures/report/paper_figures.py."""
