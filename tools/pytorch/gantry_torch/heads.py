# SPDX-License-Identifier: Apache-2.0
"""What D says besides its score: the class (ACGAN), the codes (InfoGAN). Losses on logits."""

from torch.nn import functional as F

from .network import code_width


def features(output):
    return output.flatten(1)


class Heads:
    """The terms that a config's objective adds for D's further outputs, each times its weight."""

    def __init__(self, config):
        objective = config.get("objective", {})
        self.kind = objective.get("type", "gan")
        self.weights = objective.get("acgan" if self.kind == "acgan" else "infogan", {})
        self.latent = config.get("latent", {})

    def weight(self, key):
        return self.weights.get(key, 1)

    def discriminator(self, outputs, labels, latent):
        terms = {}
        for side, output in outputs.items():
            weight = self.weight(f"d_{side}")
            if self.kind == "acgan" and weight > 0:
                terms[f"loss_class_{side}"] = weight * self.named(output[1], labels[side])
        if self.kind == "infogan" and "fake" in outputs:
            terms.update(self.read(outputs["fake"], latent))
        return terms

    def generator(self, outputs, labels, latent):
        if self.kind == "acgan" and self.weight("g") > 0:
            return {"loss_class_fake": self.weight("g") * self.named(outputs[1], labels)}
        if self.kind == "infogan" and self.weights.get("updates", "both") == "both":
            return self.read(outputs, latent)
        return {}

    @staticmethod
    def named(logits, labels):
        return F.cross_entropy(features(logits), labels.flatten().long())

    def read(self, outputs, latent):
        """Chen et al. 2016, eq. 5: -log Q(c|x), less the constant of the normal distribution."""
        terms, first = {}, self.latent["size"]
        for i, code in enumerate(self.latent.get("codes", []), start=1):
            said = features(latent)[:, first : first + code_width(code)]
            first += code_width(code)
            q = features(outputs[i])
            name = code.get("name") or f"c{i}"
            if code["type"] == "categorical":
                loss = self.weight("categorical") * F.cross_entropy(q, said.argmax(dim=1))
            else:
                spread = 2 * self.weight("deviation") ** 2
                loss = (said - q).square().sum(dim=1).mean() / spread
                loss = self.weight("continuous") * loss
            terms[f"loss_code_{name}"] = loss
        return terms
