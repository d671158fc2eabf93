"""Names of the properties that a client can send or wants to read, from Oracle's REST API Browser, record v1, 2026.1.

Of items and bills only properties that a client may want to write: no totals, balances and dates that NetSuite computes, and no sublists that
they do not need. Any other name is an unknown property. Projects and vendors are only read.
"""

from __future__ import annotations


def names(text: str) -> frozenset[str]:
    """Split `text` at white space."""
    return frozenset(text.split())


ITEM = names(
    """
    id externalId itemId displayName description purchaseDescription expenseAccount subsidiary includeChildren
    taxSchedule isInactive department class location cost costCategory vendor vendorName customForm unitsType
    isFulfillable generateAccruals parent purchaseTaxCode salesTaxCode isTaxable upcCode currency availableToPartners
    manufacturingChargeItem deferralAccount amortizationPeriod amortizationTemplate billPriceVarianceAcct
    billQtyVarianceAcct billExchRateVarianceAcct
    """
)
RESOLD_ITEM = ITEM | names(
    """
    incomeAccount salesDescription rate pricesIncludeTax isOnline offerSupport billingSchedule deferredRevenueAccount
    revenueRecognitionRule costEstimate
    """
)
ITEM_PROPERTIES = {
    "otherChargePurchaseItem": ITEM,
    "otherChargeResaleItem": RESOLD_ITEM,
    "otherChargeSaleItem": RESOLD_ITEM,
}

BILL_PROPERTIES = names(
    """
    id externalId entity subsidiary tranId tranDate dueDate memo postingPeriod currency exchangeRate account department
    class location terms approvalStatus nextApprover customForm item expense paymentHold discountAmount discountDate
    taxDetailsOverride taxPointDate taxRegOverride userTotal userTaxTotal billAddressList received toBePrinted
    startDate endDate
    """
)
CREDIT_PROPERTIES = names(
    """
    id externalId entity subsidiary tranId tranDate memo postingPeriod currency exchangeRate account department class
    location customForm item expense apply autoApply
    """
)
BILL_TYPE_PROPERTIES = {"vendorBill": BILL_PROPERTIES, "vendorCredit": CREDIT_PROPERTIES}
BILL_ITEM_LINE_PROPERTIES = names(
    """
    line item quantity rate amount description customer job isBillable department class location taxCode grossAmt
    taxRate1 tax1Amt taxDetailsReference orderDoc orderLine projecttask units vendorName amortizationSched
    amortizStartDate amortizationEndDate
    """
)
BILL_EXPENSE_LINE_PROPERTIES = names(
    """
    line account amount memo customer isBillable department class location category taxCode grossAmt taxRate1 tax1Amt
    taxDetailsReference orderDoc orderLine projecttask amortizationSched amortizStartDate amortizationEndDate
    """
)
ENTITY_PROPERTIES = {
    "job": names(
        """
        id externalId entityId companyName altName accountNumber comments isInactive parent subsidiary currency category
        jobType jobPrice billingSchedule projectManager projectExpenseType startDate endDate scheduledEndDate
        projectedEndDate estimatedCost estimatedRevenue defaultAddress customForm dateCreated lastModifiedDate
        """
    ),
    "vendor": names(
        """
        id externalId entityId companyName altName legalName firstName middleName lastName isPerson isInactive email
        altEmail phone altPhone fax url terms currency creditLimit category subsidiary representingSubsidiary
        expenseAccount payablesAccount taxIdNum vatRegNumber is1099Eligible accountNumber printOnCheckAs comments
        defaultAddress customForm incoterm workCalendar dateCreated lastModifiedDate
        """
    ),
}
APPROVAL_STATUSES = frozenset({"1", "2", "3", "11"})  # vendorBill.approvalStatus.id, an enumeration
PENDING_APPROVAL = "1"
APPROVAL_NAMES = {PENDING_APPROVAL: "Pending Approval", "2": "Approved"}  # those of the others are not known

# Labels of Oracle's REST API Browser, record v1, 2026.1, that differ from the words in the property's name.
LABELS = {
    "tranId": "Reference No.",
    "tranDate": "Date",
    "itemId": "Item Name/Number",
    "displayName": "Display Name/Code",
    "vendorName": "Vendor Name/Code",
    "upcCode": "UPC Code",
    "cost": "Purchase Price",
    "isInactive": "Inactive",
    "isBillable": "Billable",
    "externalId": "External ID",
    "entityId": "Entity ID",
    "email": "Vendor Email",
    "isPerson": "Is Individual",
    "is1099Eligible": "1099 Eligible",
    "taxIdNum": "Tax ID",
    "vatRegNumber": "VAT Registration No.",
}
