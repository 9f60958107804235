// The article's distillation on your pictures: a ResNet-152 teaches a ResNet-50. Download torchvision's ImageNet
// weights first: tricks train ./pictures --recipe ./resnets.recipe.ts, on a GPU.
import { defineRecipe, pretrainedRecipe } from '@tricks/cli'
import { distillation } from '@tricks/distillation'
import { tricksOf } from '@tricks/run'

const teacher = pretrainedRecipe({ from: './resnet152-f82ba261.pth', model: 'resnet-152' })
const student = pretrainedRecipe({ from: './resnet50-11ad3fa6.pth', model: 'resnet-50' })

export default defineRecipe({
  ...student,
  what: 'ResNet-50 fine-tuned on your pictures, with ResNet-152 as its teacher',
  teacher: { ...teacher, epochs: 0 },
  tricks: (context) => [
    ...tricksOf(student, context),
    distillation({ teacher: context.teacher!, temperature: 20 }),
  ],
})
