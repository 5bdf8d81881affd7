"""What the product does: segment, train, evaluate, agree, measure, share."""
