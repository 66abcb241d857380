// What the scripts of the report page call of D3 and of topojson-client; scripts/vendor makes one file of it.
import {
  axisBottom, axisLeft, extent, format, geoNaturalEarth1, geoPath, groups, interpolateRgb, line, max, min, range,
  rollups, scaleLinear, scaleLog, scaleSqrt, select, sum, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolStar,
  symbolTriangle, symbolWye, zoom, zoomIdentity,
} from "d3";
import { feature } from "topojson-client";

globalThis.d3 = {
  axisBottom, axisLeft, extent, format, geoNaturalEarth1, geoPath, groups, interpolateRgb, line, max, min, range,
  rollups, scaleLinear, scaleLog, scaleSqrt, select, sum, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolStar,
  symbolTriangle, symbolWye, zoom, zoomIdentity,
};
globalThis.topojson = { feature };
