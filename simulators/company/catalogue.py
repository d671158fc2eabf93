"""What a mid-size general contractor works with: its cost code
list, cost types, subcontractors and jobs. Constants only.
"""

from __future__ import annotations

# Cost codes by CSI MasterFormat division: division -> (name, ((cost code, name), ...)).
DIVISIONS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "01": (
        "General Requirements",
        (
            ("01-100", "Site Supervision"),
            ("01-310", "Project Management"),
            ("01-500", "Temporary Facilities"),
            ("01-560", "Temporary Fencing"),
            ("01-740", "Final Cleaning"),
        ),
    ),
    "02": (
        "Existing Conditions",
        (("02-100", "Surveys"), ("02-410", "Selective Demolition"), ("02-820", "Asbestos Abatement")),
    ),
    "03": (
        "Concrete",
        (
            ("03-100", "Formwork"),
            ("03-200", "Reinforcing Steel"),
            ("03-300", "Cast-in-Place Concrete"),
            ("03-350", "Concrete Finishing"),
            ("03-450", "Precast Wall Panels"),
        ),
    ),
    "04": ("Masonry", (("04-200", "Unit Masonry"), ("04-400", "Stone Veneer"))),
    "05": (
        "Metals",
        (
            ("05-120", "Structural Steel"),
            ("05-310", "Steel Deck"),
            ("05-500", "Miscellaneous Metals"),
            ("05-520", "Handrails"),
        ),
    ),
    "06": (
        "Wood and Plastics",
        (("06-100", "Rough Carpentry"), ("06-200", "Finish Carpentry"), ("06-410", "Casework")),
    ),
    "07": (
        "Thermal and Moisture Protection",
        (
            ("07-100", "Waterproofing"),
            ("07-210", "Building Insulation"),
            ("07-500", "Membrane Roofing"),
            ("07-620", "Sheet Metal Flashing"),
            ("07-920", "Joint Sealants"),
        ),
    ),
    "08": (
        "Openings",
        (
            ("08-110", "Hollow Metal Doors and Frames"),
            ("08-330", "Coiling Doors"),
            ("08-440", "Curtain Wall"),
            ("08-710", "Door Hardware"),
            ("08-800", "Glazing"),
        ),
    ),
    "09": (
        "Finishes",
        (
            ("09-250", "Gypsum Board"),
            ("09-310", "Ceramic Tile"),
            ("09-510", "Acoustical Ceilings"),
            ("09-650", "Resilient Flooring"),
            ("09-680", "Carpet"),
            ("09-910", "Painting"),
        ),
    ),
    "10": ("Specialties", (("10-140", "Signage"), ("10-210", "Toilet Partitions"), ("10-440", "Fire Extinguishers"))),
    "11": ("Equipment", (("11-310", "Residential Appliances"), ("11-400", "Food Service Equipment"))),
    "12": ("Furnishings", (("12-240", "Window Shades"), ("12-360", "Countertops"))),
    "14": ("Conveying Equipment", (("14-210", "Traction Elevators"), ("14-240", "Hydraulic Elevators"))),
    "21": ("Fire Suppression", (("21-130", "Wet Sprinkler System"), ("21-300", "Fire Pump"))),
    "22": ("Plumbing", (("22-100", "Plumbing Piping"), ("22-300", "Water Heaters"), ("22-400", "Plumbing Fixtures"))),
    "23": (
        "HVAC",
        (
            ("23-050", "HVAC Rough-In"),
            ("23-310", "Ductwork"),
            ("23-640", "Chillers"),
            ("23-740", "Rooftop Units"),
            ("23-930", "Test and Balance"),
        ),
    ),
    "26": (
        "Electrical",
        (
            ("26-050", "Electrical Rough-In"),
            ("26-240", "Switchgear"),
            ("26-320", "Emergency Generator"),
            ("26-510", "Interior Lighting"),
            ("26-560", "Site Lighting"),
        ),
    ),
    "27": ("Communications", (("27-150", "Structured Cabling"), ("27-410", "Audio-Visual Systems"))),
    "28": ("Electronic Safety", (("28-130", "Access Control"), ("28-310", "Fire Alarm"))),
    "31": (
        "Earthwork",
        (
            ("31-100", "Site Clearing"),
            ("31-220", "Grading"),
            ("31-230", "Excavation and Fill"),
            ("31-500", "Shoring"),
            ("31-630", "Drilled Piers"),
        ),
    ),
    "32": (
        "Exterior Improvements",
        (
            ("32-120", "Asphalt Paving"),
            ("32-160", "Curbs and Walks"),
            ("32-310", "Fences and Gates"),
            ("32-900", "Planting"),
        ),
    ),
    "33": ("Utilities", (("33-110", "Water Distribution"), ("33-310", "Sanitary Sewer"), ("33-410", "Storm Drainage"))),
}

# Subcontract first: it is what most of a general contractor's budget is.
COST_TYPES: tuple[tuple[str, str], ...] = (
    ("S", "Subcontract"),
    ("L", "Labor"),
    ("M", "Materials"),
    ("E", "Equipment"),
    ("O", "Other"),
)

CITIES: tuple[tuple[str, str], ...] = (
    ("Salt Lake City", "UT"),
    ("Provo", "UT"),
    ("Ogden", "UT"),
    ("Boise", "ID"),
    ("Reno", "NV"),
    ("Denver", "CO"),
)

JOBS: tuple[str, ...] = (
    "Harbor View Medical Office",
    "Cedar Ridge Elementary School",
    "Foothill Logistics Center",
    "Millcreek Fire Station No. 4",
    "Aspen Grove Apartments",
    "North Valley Water Treatment Plant",
    "Sugar House Mixed-Use",
    "Granite Peak Data Hall",
    "Riverside Community Library",
    "Canyon Gate Parking Structure",
    "Bonneville Research Laboratory",
    "Legacy Park Ice Arena",
    "Westgate Distribution Warehouse",
    "Temple Square Retail Renovation",
    "Union Station Hotel",
    "Jordan Landing Clinic",
    "Wasatch Senior Living",
    "Airport Cargo Apron",
    "Daybreak Middle School",
    "Great Basin Credit Union Headquarters",
    "Oquirrh Business Park Shell",
    "Pioneer County Courthouse Annex",
    "Silver Lake Lodge",
    "Trailhead Visitor Center",
    "Cottonwood Substation",
    "Emigration Creek Bridge",
    "Rose Park Recreation Center",
    "Meadowbrook Dental Office",
    "Liberty Wells Townhomes",
    "Little Mountain Fire Training Tower",
)

# The first name has characters that break naive quoting: an apostrophe and an ampersand.
SUBCONTRACTORS: tuple[str, ...] = (
    "O'Brien Steel & Sons",
    "Acme Sitework Inc.",
    "Summit Drywall LLC",
    "Blue Spruce Electric",
    "Wasatch Mechanical Contractors",
    "Delta Plumbing & Heating",
    "Ridgeline Roofing Co.",
    "Northstar Glass & Glazing",
    "Copper Canyon Concrete",
    "Peak Painting and Coatings",
    "Intermountain Masonry",
    "High Desert Excavation",
    "Pioneer Fire Protection",
    "Alta Elevator Services",
    "Red Rock Paving",
    "Evergreen Landscape",
    "Brightline Communications",
    "Sentinel Security Systems",
    "Keystone Precast",
    "True North Surveying",
    "Cottonwood Casework",
    "Beehive Flooring",
    "Silver State Insulation",
    "Mountain West Doors & Hardware",
    "Apex Demolition",
    "Clearwater Utilities",
    "Ironwood Fence",
    "Castle Rock Tile",
    "Monarch Acoustics",
    "Vista Signage",
    "Bear River Abatement",
    "Hansen Brothers Carpentry",
    "Lakeshore Waterproofing",
    "Meridian HVAC Balancing",
    "Nimbus Controls",
    "Old Mill Cabinetry",
    "Pinnacle Scaffolding",
    "Quarry Stone Works",
    "Rocky Mountain Cranes",
    "Sagebrush Grading",
    "Timberline Framing",
    "Urban Edge Storefronts",
    "Valley Food Service Equipment",
    "Westwind Sheet Metal",
    "Zion Structural Erectors",
)
